import HTTPTypes
import Hummingbird

/// Which methods each path takes.
///
/// The router answers the methods that it was told of; of others, which RFC 9110 allows without end, it knows no path.
struct PathIndex: Sendable {
    private let patterns: [(parts: [Substring], allowed: String)]

    /// - Parameter paths: as the router has them, with the methods of each.
    init(_ paths: [(path: String, methods: Set<HTTPRequest.Method>)]) {
        patterns = paths.map { path, methods in
            (path.split(separator: "/"), Self.allowed(methods))
        }
        .sorted { Self.parameters($0.parts) < Self.parameters($1.parts) }
    }

    /// The value of `Allow` for methods; what takes GET takes HEAD.
    static func allowed(_ methods: Set<HTTPRequest.Method>) -> String {
        let all = methods.contains(.get) ? methods.union([.head]) : methods
        return all.map(\.rawValue).sorted().joined(separator: ", ")
    }

    /// The problem of a request whose path is known and whose method is not.
    func refusal(of request: Request, insteadOf problem: Problem) -> Problem? {
        guard problem.kind == .notFound, !Self.usual.contains(request.method) else { return nil }
        let parts = request.uri.path.split(separator: "/")
        let found = patterns.first { pattern in
            pattern.parts.count == parts.count
                && zip(pattern.parts, parts).allSatisfy { $0.hasPrefix(":") || $0 == $1 }
        }
        return found.map { Problem.refused(request.method, allowed: $0.allowed) }
    }

    /// Those that the router is told of for every path.
    static let usual: [HTTPRequest.Method] = [
        .get, .head, .post, .put, .patch, .delete, .options, .trace, .connect,
    ]

    private static func parameters(_ parts: [Substring]) -> Int { parts.count { $0.hasPrefix(":") } }
}

extension Problem {
    static func refused(_ method: HTTPRequest.Method, allowed: String) -> Problem {
        Problem(
            .methodNotAllowed, "\(method.rawValue) is not for this path; it takes \(allowed)",
            headers: [.allow: allowed])
    }
}
