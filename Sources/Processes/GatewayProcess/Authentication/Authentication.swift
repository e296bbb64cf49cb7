import EventStore
import HTTPTypes
import Hummingbird
import Logging

/// Finds out who asks, from the `Authorization` header (RFC 6750).
struct Authentication: Sendable {
    let keys: KeyStore

    /// Who asks.
    ///
    /// - Throws: A problem with `WWW-Authenticate`; it says no more about a wrong key than that it is wrong.
    func caller(of request: Request) async throws -> Principal {
        guard let header = request.headers[.authorization] else {
            throw Self.problem("send Authorization: Bearer with an API key", challenge: "")
        }
        guard let key = Self.bearer(header) else {
            throw Self.problem("the Authorization header is not of the form Bearer and a key", challenge: "")
        }
        guard key.utf8.count <= 512, let caller = try await keys.authenticate(key) else {
            throw Self.problem(
                "the key is not known or was revoked", challenge: #", error="invalid_token""#)
        }
        return caller
    }

    /// The key in an `Authorization` header of the Bearer scheme.
    static func bearer(_ header: String) -> String? {
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1])
    }

    private static func problem(_ detail: String, challenge: String) -> Problem {
        Problem(.unauthenticated, detail, headers: [.wwwAuthenticate: "Bearer realm=\"collider\"\(challenge)"])
    }
}

/// Lets a request through whose key has the scope of the route.
struct RequireScope: RouterMiddleware {
    typealias Context = GatewayContext

    private let scope: Scope
    private let authentication: Authentication

    init(_ scope: Scope, _ authentication: Authentication) {
        self.scope = scope
        self.authentication = authentication
    }

    func handle(
        _ request: Request, context: GatewayContext,
        next: @concurrent (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        let caller = try await authentication.caller(of: request)
        guard caller.scopes.contains(scope) else { throw Problem.missing(scope) }
        var context = context
        context.caller = caller
        context.logger[metadataKey: "organization.id"] = "\(caller.organizationID)"
        context.logger[metadataKey: "key.id"] = "\(caller.id)"
        return try await next(request, context)
    }
}

extension Problem {
    fileprivate static func missing(_ scope: Scope) -> Problem {
        let name = scope.rawValue
        return Problem(
            .missingScope, "the key lacks the scope \(name)", members: [("scope", .text(name))],
            headers: [.wwwAuthenticate: #"Bearer realm="collider", error="insufficient_scope", scope="\#(name)""#])
    }
}

extension GatewayContext {
    /// Checks that the key has a second scope, for routes whose answers hold what two protect.
    func require(_ scope: Scope) throws {
        guard try authenticated().scopes.contains(scope) else { throw Problem.missing(scope) }
    }
}
