import EventStore
import HTTPTypes

/// A route as it is declared in the table.
struct DeclaredRoute: Sendable, Equatable {
    let method: HTTPRequest.Method
    /// With parameters in braces, as in `/api/v1/triggers/{id}`.
    let path: String
    let scope: Scope?

    /// - Parameter pattern: as the router has it, with colons before parameters.
    init(_ method: HTTPRequest.Method, pattern: String, scope: Scope?) {
        self.method = method
        path = pattern.split(separator: "/", omittingEmptySubsequences: false)
            .map { $0.hasPrefix(":") ? "{\($0.dropFirst())}" : String($0) }.joined(separator: "/")
        self.scope = scope
    }

    /// What ``RouteDescriptions`` know it by.
    var name: String { "\(method.rawValue) \(path)" }

    private var parameterNames: [String] {
        path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    }

    /// The parameters of the path: ids, but for a few names.
    var pathParameters: [RouteDescription.Parameter] {
        parameterNames.map { name in
            let (schema, about): (Schema, String) =
                switch name {
                case "n", "m": (Schema.integer(1...Int(Int32.max)), "The number of a version.")
                case "type": (Schema.line(1...255), "An event type, percent-encoded.")
                case "key":
                    (Schema([("type", "string"), ("pattern", "^[0-9a-f]{32}$")]), "What the path of a source ends in.")
                case "id" where path.contains("/api-keys/"): (Schema.word, "The public part of the key.")
                default: (Schema.uuid, "The id.")
                }
            return RouteDescription.Parameter(
                name: name, place: .path, schema: schema, about: about, isRequired: true)
        }
    }

    /// Problems that a route of this kind can have, whatever it does.
    func usualProblems(of about: RouteDescription) -> [ProblemKind] {
        var kinds: [ProblemKind] = [
            .malformedRequest, .methodNotAllowed, .headTooLarge, .internalError, .unavailable,
        ]
        if RouteClass(self) != nil { kinds.append(.rateLimited) }
        if !about.negotiatedTypes.isEmpty { kinds.append(.notAcceptable) }
        if scope != nil { kinds.append(.missingScope) }
        if scope != nil || about.asksForCaller { kinds.append(.unauthenticated) }
        if !parameterNames.isEmpty { kinds.append(.notFound) }
        if about.body != nil { kinds += [.bodyTooLarge, .unsupportedMediaType, .validationFailed] }
        return kinds
    }
}
