import JSONTree

/// Calls a URL with the firing.
public struct RestAction: Sendable {
    /// The methods that an action can use.
    public enum Method: String, Sendable, CaseIterable {
        /// The usual one of webhooks.
        case post = "POST"
        /// Replaces.
        case put = "PUT"
        /// Changes.
        case patch = "PATCH"
        /// Asks, without a body.
        case get = "GET"
        /// Removes, without a body unless one is given.
        case delete = "DELETE"

        var hasPayload: Bool { self == .post || self == .put || self == .patch }
    }

    static let maximumBodyBytes = 4 * 1024 * 1024
    static let timeouts: ClosedRange<Int64> = 100...60_000
    static let defaultTimeoutMilliseconds = 15_000

    let url: RestURL
    /// How the URL is called.
    public let method: Method
    let headers: [RestHeader]
    let body: RestBody?
    /// The body as written, for showing it again.
    let bodySource: [UInt8]?
    /// How long one attempt may take as a whole.
    public let timeoutMilliseconds: Int
    /// `whsec_` and the key in Base64, for the signature of Standard Webhooks.
    public let signingSecret: String?

    /// Scheme, host and port in lower case: what a circuit breaker stands for.
    public var origin: String { url.origin }

    /// Reads `{"url", "method"?, "headers"?, "body"?, "timeout_ms"?, "signing_secret"?}`.
    ///
    /// - Parameter stored: actions whose secrets a mask may stand for, the likeliest first. They count only for the
    ///   same origin: who may edit a trigger must not be able to send its stored secret somewhere else.
    init(_ value: JSONValue, pointer: String, secretsFrom stored: [RestAction]) throws(JSONValidationError) {
        var reader = ObjectReader(value, pointer: pointer)
        let url = Self.readURL(&reader)
        let kept = stored.filter { $0.origin == url?.origin }
        method = Self.readMethod(&reader)
        headers = RestHeader.readAll(&reader, kept: kept.flatMap(\.headers))
        let timeout = reader.integer("timeout_ms", in: Self.timeouts)
        timeoutMilliseconds = timeout.map { Int($0) } ?? Self.defaultTimeoutMilliseconds
        signingSecret = Self.readSecret(&reader, kept: kept)
        let contentType = headers.first { $0.name.lowercased() == "content-type" }?.value.source
        let bodyValue = reader.member("body")
        bodySource = bodyValue.map { Array($0.source) }
        if method == .get, bodyValue != nil { reader.refuse("body", "a GET request has no body") }
        let place = reader.pointer(to: "body")
        body = bodyValue.flatMap { value in
            reader.attempt { () throws(JSONValidationError) -> RestBody in
                try RestBody(value, contentType: contentType, pointer: place)
            }
        }
        try reader.finish()
        guard let url else { throw JSONValidationError(pointer: pointer, detail: "has no url") }
        self.url = url
    }

    func write(to writer: inout JSONWriter, secrets: SecretMode) {
        writer.object {
            $0.member("url", url.template.source)
            $0.member("method", method.rawValue)
            RestHeader.write(headers, to: &$0, secrets: secrets)
            if let bodySource { $0.memberRaw("body", bodySource) }
            $0.member("timeout_ms", timeoutMilliseconds)
            if let signingSecret {
                $0.member("signing_secret", secrets == .masked ? SigningSecret.mask : signingSecret)
            }
        }
    }
}

// MARK: - Reading

extension RestAction {
    private static func readURL(_ reader: inout ObjectReader) -> RestURL? {
        let place = reader.pointer(to: "url")
        return reader.string("url", required: true, length: 1...RestURL.maximumLength).flatMap { text in
            reader.attempt { () throws(JSONValidationError) -> RestURL in try RestURL(text, pointer: place) }
        }
    }

    private static func readMethod(_ reader: inout ObjectReader) -> Method {
        guard let name = reader.string("method") else { return .post }
        guard let method = Method(rawValue: name.uppercased()) else {
            reader.refuse("method", "must be one of \(Method.allCases.map(\.rawValue).joined(separator: ", "))")
            return .post
        }
        return method
    }

    private static func readSecret(_ reader: inout ObjectReader, kept: [RestAction]) -> String? {
        guard let text = reader.string("signing_secret") else { return nil }
        if SecretMask.isMasked(text) {
            if let secret = kept.lazy.compactMap(\.signingSecret).first { return secret }
            reader.refuse("signing_secret", SigningSecret.unknownMask)
            return nil
        }
        guard SigningSecret.key(of: text) != nil else {
            reader.refuse("signing_secret", "must be whsec_ and the Base64 of 24 to 64 bytes")
            return nil
        }
        return text
    }
}
