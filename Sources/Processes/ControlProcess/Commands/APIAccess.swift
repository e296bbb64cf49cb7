import ArgumentParser
import Glibc
import JSONTree
import Outbound

/// How a command reaches the gateway: by its options, the environment, or the credentials that `up` left.
struct APIAccess: ParsableArguments {
    @Option(help: "Base URL of the gateway [default: from $COLLIDER_HOME/credentials.json].")
    var url: String?

    @Option(help: "API key [default: $COLLIDER_API_KEY, or from $COLLIDER_HOME/credentials.json].")
    var apiKey: String?

    /// Opens a client, runs the body, and closes the client.
    func withClient<R: Sendable>(_ body: @Sendable (APIClient) async throws -> R) async throws -> R {
        let stored = url == nil || apiKey == nil ? try Credentials.read(try await StackSettings.home()) : nil
        guard let base = url ?? stored?.baseURL else {
            throw CommandError("no gateway known; start one with `collider up`, or give --url and --api-key")
        }
        guard let key = apiKey ?? getenv("COLLIDER_API_KEY").map({ String(cString: $0) }) ?? stored?.apiKey else {
            throw CommandError("no API key; give --api-key or set COLLIDER_API_KEY")
        }
        return try await APIClient.withClient(baseURL: base, apiKey: key, body)
    }
}

extension APIClient {
    /// The JSON of a successful answer; the server's own words as the error of any other.
    func json(_ method: String, _ path: String, body: [UInt8]? = nil) async throws -> JSONDocument {
        let answer = try await send(method, path, body: body)
        guard (200..<300).contains(answer.status) else { throw CommandError(Self.explain(answer.status, answer.body)) }
        do {
            return try JSONDocument(answer.body.isEmpty ? Array("null".utf8) : answer.body)
        } catch {
            throw CommandError("the gateway answered \(answer.status) with a body that is not JSON")
        }
    }

    /// One line out of problem details (RFC 9457), with the place of each validation error.
    static func explain(_ status: Int, _ body: [UInt8]) -> String {
        guard let problem = try? JSONDocument(body).root else { return "the gateway answered \(status)" }
        let title = problem["title"]?.string ?? "the gateway answered \(status)"
        let detail = problem["detail"]?.string.map { ": \($0)" } ?? ""
        let errors = problem["errors"]?.elements.map { error in
            let pointer = error["pointer"]?.string ?? ""
            return "\n  \(pointer.isEmpty ? "/" : pointer): \(error["detail"]?.string ?? "")"
        }
        return "\(title) (\(status))\(detail)\((errors ?? []).joined())"
    }
}
