import EventStore
import HTTPTypes
import Hummingbird
import Identity
import Logging
import NIOCore

/// Finds out who asks, from the `Authorization` header (RFC 6750): an API key, or the access token of a session.
struct Authentication: Sendable {
    let keys: KeyStore
    let sessions: SessionAuthority
    let audit: AuditStore

    /// Who asks.
    ///
    /// - Throws: A problem with `WWW-Authenticate`; it says no more about a wrong key than that it is wrong.
    func caller(of request: Request, in context: GatewayContext) async throws -> Principal {
        if let known = context.caller { return known }
        guard let header = request.headers[.authorization] else {
            throw Problem.unauthenticated("send Authorization: Bearer with an API key or an access token")
        }
        guard let credential = Self.bearer(header) else {
            throw Problem.unauthenticated("the Authorization header is not of the form Bearer and a key or a token")
        }
        guard let caller = try await principal(credential, from: context.origin.address) else {
            throw Problem.unauthenticated("the key or token is not known, has expired or was revoked", isInvalid: true)
        }
        return caller
    }

    /// A person who asks, whatever their role.
    ///
    /// - Throws: A problem when nobody asks, or a key does.
    func person(
        of request: Request, in context: GatewayContext
    ) async throws -> (caller: Principal, person: Principal.Person) {
        let caller = try await caller(of: request, in: context)
        guard let person = caller.person else {
            throw Problem(.forbidden, "this is for people who have logged in; an API key is nobody")
        }
        return (caller, person)
    }

    /// Who a key or a token speaks for; nil when it opens nothing.
    func principal(_ credential: String, from address: String) async throws -> Principal? {
        if credential.utf8.starts(with: "ck_".utf8) {
            guard credential.utf8.count <= 512 else { return nil }
            return try await keys.authenticate(credential, from: address)
        }
        return try await sessions.authenticate(credential)
    }

    /// The key or token in an `Authorization` header of the Bearer scheme.
    static func bearer(_ header: String) -> String? {
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1])
    }
}

/// Lets a request through whose caller is known, and has the scope of the route, where it needs one.
struct RequireCaller: RouterMiddleware {
    typealias Context = GatewayContext

    let scope: Scope?
    let authentication: Authentication

    func handle(
        _ request: Request, context: GatewayContext,
        next: @concurrent (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        let caller = try await authentication.caller(of: request, in: context)
        if let scope, !caller.scopes.contains(scope) { throw Problem.missing(scope) }
        var context = context
        context.become(caller, audit: authentication.audit)
        context.logger[metadataKey: "organization.id"] = "\(caller.organizationID)"
        context.logger[metadataKey: caller.person == nil ? "key.id" : "person.id"] = "\(caller.id)"
        return try await next(request, context)
    }
}

extension Problem {
    static func unauthenticated(_ detail: String, isInvalid: Bool = false) -> Problem {
        let error = isInvalid ? #", error="invalid_token""# : ""
        return Problem(.unauthenticated, detail, headers: [.wwwAuthenticate: "Bearer realm=\"collider\"\(error)"])
    }

    fileprivate static func missing(_ scope: Scope) -> Problem {
        let name = scope.rawValue
        return Problem(
            .missingScope, "the caller lacks the scope \(name)", members: [("scope", .text(name))],
            headers: [.wwwAuthenticate: #"Bearer realm="collider", error="insufficient_scope", scope="\#(name)""#])
    }
}

extension GatewayContext {
    /// Where the request comes from.
    var origin: Origin {
        Origin(address: address, requestID: requestID)
    }

    /// Checks that the caller has a second scope, for routes whose answers hold what two protect.
    func require(_ scope: Scope) throws {
        guard try authenticated().scopes.contains(scope) else { throw Problem.missing(scope) }
    }

    /// Makes somebody who has shown a key or a token the caller.
    mutating func become(_ caller: Principal, audit: AuditStore) {
        self.caller = caller
        self.audit = audit
    }

    /// The caller, for whatever changes something on their behalf: it writes the change down with them.
    func actor() throws -> AuditActor {
        let caller = try authenticated()
        guard let audit else { throw Problem(.internalError, "the route has no audit log") }
        return audit.actor(
            caller.person == nil ? .key : .person, id: caller.id, address: origin.address, requestID: requestID)
    }
}
