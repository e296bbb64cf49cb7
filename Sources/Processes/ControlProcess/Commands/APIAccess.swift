import ArgumentParser
import Glibc
import JSONTree
import Outbound

/// How a command reaches the gateway: by its options, a profile, the environment, or the credentials that `up` left.
struct APIAccess: ParsableArguments {
    @Option(help: "Base URL of the gateway [default: from $COLLIDER_HOME/credentials.json].")
    var url: String?

    @Option(help: "API key [default: $COLLIDER_API_KEY, or from $COLLIDER_HOME/credentials.json].")
    var apiKey: String?

    @Option(help: "Profile that `collider login` made [default: $COLLIDER_PROFILE].")
    var profile: String?

    func validate() throws {
        guard profile == nil || apiKey == nil else { throw ValidationError("give either --profile or --api-key") }
    }

    /// Opens a client, runs the body, and closes the client.
    func withClient<R: Sendable>(_ body: @Sendable (APIClient) async throws -> R) async throws -> R {
        let home = try await StackSettings.home()
        let stored = url == nil || apiKey == nil ? try Credentials.read(home) : nil
        if let name = try profileName(hasCredentials: stored != nil, in: home) {
            let session = try await ProfileSession.current(name, in: home)
            return try await APIClient.withClient(baseURL: url ?? session.baseURL, apiKey: session.accessToken, body)
        }
        guard let base = url ?? stored?.baseURL else {
            throw CommandError("no gateway known; start one with `collider up`, or give --url and --api-key")
        }
        guard let key = apiKey ?? Self.variable("COLLIDER_API_KEY") ?? stored?.apiKey else {
            throw CommandError("no API key; give --api-key or set COLLIDER_API_KEY")
        }
        return try await APIClient.withClient(baseURL: base, apiKey: key, body)
    }

    /// The profile to use: the one that was named, or where nothing else is known, the usual one.
    private func profileName(hasCredentials: Bool, in home: Home) throws -> String? {
        guard apiKey == nil else { return nil }
        if let profile { return profile }
        guard Self.variable("COLLIDER_API_KEY") == nil else { return nil }
        if let name = Self.variable("COLLIDER_PROFILE") { return name }
        return try !hasCredentials && Profiles.read(Profiles.usual, in: home) != nil ? Profiles.usual : nil
    }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
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
