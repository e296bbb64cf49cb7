/// The parts of `scheme://user:password@host:port/path?query`, percent-decoded where RFC 3986 has them encoded.
///
/// Foundation's URL type is not used: it is large, and lenient where a connection address should be exact.
struct ConnectionURL: Equatable {
    let scheme: String
    let user: String?
    let password: String?
    let host: String
    let port: Int?
    /// Without the leading slash.
    let path: String
    let query: String?

    init?(_ text: String) {
        guard let mark = text.firstRange(of: "://") else { return nil }
        scheme = text[..<mark.lowerBound].lowercased()
        var rest = text[mark.upperBound...]
        guard !scheme.isEmpty, !rest.contains("#"), !rest.contains(" ") else { return nil }

        if let question = rest.firstIndex(of: "?") {
            query = String(rest[rest.index(after: question)...])
            rest = rest[..<question]
        } else {
            query = nil
        }
        if let slash = rest.firstIndex(of: "/") {
            guard let decoded = rest[rest.index(after: slash)...].percentDecoded() else { return nil }
            path = decoded
            rest = rest[..<slash]
        } else {
            path = ""
        }
        if let at = rest.lastIndex(of: "@") {
            let halves = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let secretText = halves.count == 2 ? halves[1] : ""
            guard let name = halves[0].percentDecoded(), let secret = secretText.percentDecoded() else { return nil }
            user = name.isEmpty ? nil : name
            password = secret.isEmpty ? nil : secret
            rest = rest[rest.index(after: at)...]
        } else {
            user = nil
            password = nil
        }
        guard let (host, port) = Self.hostAndPort(rest) else { return nil }
        self.host = host
        self.port = port
    }

    private static func hostAndPort(_ text: Substring) -> (String, Int?)? {
        let host: Substring
        var rest: Substring
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            rest = text[text.index(after: end)...]
        } else {
            host = text.prefix { $0 != ":" }
            rest = text[host.endIndex...]
        }
        guard let decodedHost = host.percentDecoded(), !decodedHost.isEmpty else { return nil }
        if rest.isEmpty { return (decodedHost, nil) }
        guard rest.removeFirst() == ":", let port = Int(rest), (1...65_535).contains(port) else { return nil }
        return (decodedHost, port)
    }
}
