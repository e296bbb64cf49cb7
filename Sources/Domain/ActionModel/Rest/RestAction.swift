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
        /// Asks for the headers alone.
        case head = "HEAD"
        /// Asks what is possible, without a body unless one is given.
        case options = "OPTIONS"

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
    /// The secrets to sign with (see ``SigningSecret``), the newest first: while a receiver changes from one to the
    /// next, each request is signed with both.
    public let signingSecrets: [String]
    /// How TLS is spoken; nil for the usual way.
    public let tls: TLSOptions?

    /// Scheme, host and port as written, in lower case: whom a stored secret belongs to.
    var origin: String { url.origin }

    /// Scheme, host and port: what a circuit breaker stands for.
    public var endpoint: String { url.endpoint }

    /// Reads `{"url", "method"?, "headers"?, "body"?, "timeout_ms"?, "signing_secret"? | "signing_secrets"?, "tls"?}`.
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
        signingSecrets = Self.readSecrets(&reader, kept: kept)
        let tlsPlace = reader.pointer(to: "tls")
        let tlsOptions = reader.member("tls").map { value in
            reader.attempt { () throws(JSONValidationError) -> TLSOptions in
                try TLSOptions(value, pointer: tlsPlace, stored: kept.compactMap(\.tls))
            }
        }
        tls = tlsOptions ?? nil
        if tls != nil, url?.origin.hasPrefix("http://") == true { reader.refuse("tls", "needs a URL of https") }
        let contentType = headers.first { $0.name.lowercased() == "content-type" }?.value.source
        let bodyValue = reader.member("body")
        bodySource = bodyValue.map { Array($0.source) }
        if method == .get || method == .head, bodyValue != nil {
            reader.refuse("body", "a \(method.rawValue) request has no body")
        }
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
            Self.write(signingSecrets.map { secrets == .masked ? SigningSecret.mask(of: $0) : $0 }, to: &$0)
            if let tls {
                $0.key("tls")
                tls.write(to: &$0, secrets: secrets)
            }
        }
    }
}

// MARK: - Secrets

extension RestAction {
    private static func write(_ secrets: [String], to writer: inout JSONWriter) {
        guard secrets.count > 1 else {
            if let secret = secrets.first { writer.member("signing_secret", secret) }
            return
        }
        writer.key("signing_secrets")
        writer.array { list in
            for secret in secrets { list.string(secret) }
        }
    }

    private static func readSecrets(_ reader: inout ObjectReader, kept: [RestAction]) -> [String] {
        let stored = kept.map(\.signingSecrets).first { !$0.isEmpty } ?? []
        let single = reader.string("signing_secret")
        let list = reader.array("signing_secrets", count: 1...SigningSecret.maximumCount)
        if let single {
            if list != nil { reader.refuse("signing_secrets", "can't stand beside signing_secret") }
            let place = reader.pointer(to: "signing_secret")
            return read([(single, place)], &reader, stored: stored)
        }
        return read((list ?? []).map { ($0.element.string, $0.pointer) }, &reader, stored: stored)
    }

    /// Masks stand for the stored secrets in their order, and only all of them together: of some nobody could say
    /// which they are.
    private static func read(
        _ texts: [(text: String?, pointer: String)], _ reader: inout ObjectReader, stored: [String]
    ) -> [String] {
        let masks = texts.count(where: { $0.text.map(SecretMask.isMasked) ?? false })
        var left = masks == stored.count ? stored[...] : []
        return texts.compactMap { text, pointer in
            reader.attempt { () throws(JSONValidationError) -> String in
                guard let text else { throw JSONValidationError(pointer: pointer, detail: "must be a string") }
                guard SecretMask.isMasked(text) else {
                    if SigningSecret.signingKey(of: text) != nil { return text }
                    throw JSONValidationError(
                        pointer: pointer,
                        detail: "must be whsec_ and the Base64 of 24 to 64 bytes, or whsk_ and that of an Ed25519 key")
                }
                if let secret = left.popFirst() { return secret }
                let detail =
                    stored.count < 2
                    ? SigningSecret.unknownMask
                    : "is masked, but \(stored.count) secrets are stored; keep all masked, or send those to keep"
                throw JSONValidationError(pointer: pointer, detail: detail)
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
}
