import JSONTree

/// Sends a mail by an SMTP server.
public struct EmailAction: Sendable {
    /// How the connection is protected.
    public enum Security: String, Sendable, CaseIterable {
        /// Not at all: for a server on a network of one's own.
        case none
        /// TLS from the command `STARTTLS` on, without which nothing is sent (RFC 3207).
        case startTLS = "starttls"
        /// TLS from the first byte (RFC 8314).
        case implicit

        var defaultPort: Int {
            switch self {
            case .none: 25
            case .startTLS: 587
            case .implicit: 465
            }
        }
    }

    static let maximumRecipients = 50
    static let maximumAddressLength = 512
    static let maximumSubjectLength = 1_024

    /// A name or an address.
    public let host: String
    /// A TCP port.
    public let port: Int
    /// How the connection is protected.
    public let security: Security
    let username: String?
    let password: String?
    /// Certificates to trust in place of the system's, in PEM.
    let authorities: String?
    let from: MailAddress
    /// The sender as written.
    private let fromSource: String
    let to: [Template]
    let subject: Template
    let text: Template
    let html: Template?

    /// What a circuit breaker stands for.
    var endpoint: String { "\(security == .implicit ? "smtps" : "smtp")://\(host.lowercased()):\(port)" }

    /// Reads `{"host", "port"?, "tls"?, "username"?, "password"?, "ca_pem"?, "from", "to", "subject", "text",
    /// "html"?}`.
    ///
    /// - Parameter stored: actions whose password a mask may stand for, the likeliest first. They count only for the
    ///   same server and user: who may edit a trigger must not be able to send its password somewhere else.
    init(_ value: JSONValue, pointer: String, secretsFrom stored: [EmailAction]) throws(JSONValidationError) {
        var reader = ObjectReader(value, pointer: pointer)
        security = Self.readSecurity(&reader)
        let port = reader.integer("port", in: 1...65_535).map { Int($0) } ?? security.defaultPort
        self.port = port
        let host = Self.readHost(&reader)
        let username = reader.string("username", length: 1...256)
        self.username = username
        let kept = stored.filter { $0.host == host && $0.port == port && $0.username == username }
        password = Self.readPassword(&reader, stored: kept)
        if (username == nil) != !reader.has("password") {
            reader.refuse("username and password belong together")
        } else if username != nil, security == .none {
            reader.refuse("tls", "must be starttls or implicit where there is a password")
        }
        authorities = Self.readAuthorities(&reader)
        let fromSource = reader.string("from", required: true, length: 1...Self.maximumAddressLength)
        let from = fromSource.flatMap { MailAddress($0) }
        if fromSource != nil, from == nil { reader.refuse("from", Self.addressForm) }
        to = Self.readRecipients(&reader)
        let subject = Self.readTemplate("subject", upTo: Self.maximumSubjectLength, &reader)
        let text = Self.readTemplate("text", upTo: Template.maximumBytes, &reader)
        html = reader.has("html") ? Self.readTemplate("html", upTo: Template.maximumBytes, &reader) : nil
        try reader.finish()
        guard let host, let from, let fromSource, let subject, let text else {
            throw JSONValidationError(pointer: pointer, detail: "has no host, from, to, subject or text")
        }
        self.host = host
        self.from = from
        self.fromSource = fromSource
        self.subject = subject
        self.text = text
    }

    func write(to writer: inout JSONWriter, secrets: SecretMode) {
        writer.object {
            $0.member("host", host)
            $0.member("port", port)
            $0.member("tls", security.rawValue)
            if let username { $0.member("username", username) }
            if let password { $0.member("password", secrets == .masked ? SecretMask.dots : password) }
            if let authorities { $0.member("ca_pem", authorities) }
            $0.member("from", fromSource)
            $0.key("to")
            $0.array { array in
                for recipient in to { array.string(recipient.source) }
            }
            $0.member("subject", subject.source)
            $0.member("text", text.source)
            if let html { $0.member("html", html.source) }
        }
    }
}

// MARK: - Reading

extension EmailAction {
    private static let addressForm = "must be an address, like ada@example.com or Ada <ada@example.com>"

    private static func readSecurity(_ reader: inout ObjectReader) -> Security {
        guard let name = reader.string("tls") else { return .startTLS }
        guard let security = Security(rawValue: name) else {
            reader.refuse("tls", "must be one of \(Security.allCases.map(\.rawValue).joined(separator: ", "))")
            return .startTLS
        }
        return security
    }

    private static func readHost(_ reader: inout ObjectReader) -> String? {
        guard let text = reader.string("host", required: true, length: 1...255) else { return nil }
        guard RestURL.isHost(text[...].utf8), !text.hasPrefix("[") == !text.contains(":") else {
            reader.refuse("host", "must be the name or the address of a server, without a port")
            return nil
        }
        return text
    }

    private static func readPassword(_ reader: inout ObjectReader, stored: [EmailAction]) -> String? {
        guard let text = reader.string("password", length: 1...1_024) else { return nil }
        guard SecretMask.isMasked(text) else { return text }
        if let kept = stored.lazy.compactMap(\.password).first { return kept }
        reader.refuse(
            "password", "is masked, and no stored password belongs to this server and user; send the password")
        return nil
    }

    private static func readAuthorities(_ reader: inout ObjectReader) -> String? {
        guard let text = reader.string("ca_pem", length: 1...64 * 1024) else { return nil }
        guard text.contains("-----BEGIN CERTIFICATE-----"), !text.utf8.contains(0) else {
            reader.refuse("ca_pem", "must be certificates in PEM")
            return nil
        }
        return text
    }

    private static func readRecipients(_ reader: inout ObjectReader) -> [Template] {
        let elements = reader.array("to", required: true, count: 1...maximumRecipients) ?? []
        return elements.compactMap { element, place in
            reader.attempt { () throws(JSONValidationError) -> Template in
                guard let text = element.string, (1...maximumAddressLength).contains(text.utf8.count) else {
                    throw JSONValidationError(pointer: place, detail: addressForm)
                }
                let template = try Template(text, pointer: place)
                guard text.contains("{{") || MailAddress(text) != nil else {
                    throw JSONValidationError(pointer: place, detail: addressForm)
                }
                return template
            }
        }
    }

    private static func readTemplate(_ name: String, upTo limit: Int, _ reader: inout ObjectReader) -> Template? {
        let place = reader.pointer(to: name)
        return reader.string(name, required: true, length: 1...limit).flatMap { text in
            reader.attempt { () throws(JSONValidationError) -> Template in try Template(text, pointer: place) }
        }
    }
}
