import JSONTree

/// How a delivery proves who sent it.
///
/// Several secrets may be valid at once, so that one can be replaced without losing deliveries.
public struct SourceVerification: Sendable, Equatable {
    /// A way of signing.
    public enum Scheme: String, Sendable, CaseIterable {
        /// Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
        case standardWebhooks = "standard_webhooks"
        /// GitHub: `X-Hub-Signature-256`.
        case github
        /// Stripe: `Stripe-Signature`.
        case stripe
        /// Slack: `X-Slack-Signature`, `X-Slack-Request-Timestamp`.
        case slack
        /// An HMAC in a header, as described.
        case hmac
        /// A user name and a password (RFC 7617).
        case basic
        /// Nothing but the path, which is unguessable.
        case none

        /// Where senders of this scheme put the id of a delivery, the same for every try.
        var deliveryID: DeliveryPart? {
            switch self {
            case .standardWebhooks: .header("webhook-id")
            case .github: .header("x-github-delivery")
            case .stripe: .path(JSONPath(components: [.key("id")]))
            case .slack: .path(JSONPath(components: [.key("event_id")]))
            case .hmac, .basic, .none: nil
            }
        }

        /// Whether the scheme signs a time, so that an old delivery can be refused.
        var hasTimestamp: Bool { self == .standardWebhooks || self == .stripe || self == .slack }
    }

    static let maximumSecrets = 5
    static let tolerances: ClosedRange<Int64> = 1...86_400
    static let defaultTolerance = 300

    /// The way of signing.
    public let scheme: Scheme
    /// The keys or passwords, of which any may match; none for ``Scheme/none``.
    public let secrets: [String]
    /// By how many seconds a signed time may differ from ours, in either direction.
    public let toleranceSeconds: Int
    /// The name for ``Scheme/basic``.
    public let username: String?
    /// How ``Scheme/hmac`` signs.
    public let hmac: HMACForm?

    /// Whether a delivery's id comes from the scheme, and not from a definition that may name the wrong member.
    public var hasDeliveryID: Bool { scheme.deliveryID != nil }

    /// Reads `{"scheme", "secrets", …}`.
    ///
    /// - Parameter stored: the secrets that masks of a scheme stand for.
    init(
        _ value: JSONValue, pointer: String, stored: (Scheme) -> [String]
    ) throws(JSONValidationError) {
        var reader = ObjectReader(value, pointer: pointer)
        guard let scheme = Self.readScheme(&reader) else { throw JSONValidationError(reader.problems) }
        hmac = scheme == .hmac ? HMACForm(&reader) : nil
        username = scheme == .basic ? Self.readUsername(&reader) : nil
        secrets = scheme == .none ? [] : Self.readSecrets(&reader, scheme, stored: stored(scheme))
        let hasTimestamp = scheme.hasTimestamp || hmac?.timestampHeader != nil
        let tolerance = hasTimestamp ? reader.integer("tolerance_seconds", in: Self.tolerances) : nil
        toleranceSeconds = tolerance.map { Int($0) } ?? Self.defaultTolerance
        try reader.finish()
        self.scheme = scheme
    }

    func write(to writer: inout JSONWriter, secrets mode: SecretMode) {
        writer.object {
            $0.member("scheme", scheme.rawValue)
            if let username { $0.member("username", username) }
            hmac?.writeMembers(to: &$0)
            if !secrets.isEmpty {
                $0.key("secrets")
                $0.array { list in
                    for (index, secret) in secrets.enumerated() {
                        list.string(mode == .masked ? Self.mask(index + 1) : secret)
                    }
                }
            }
            if scheme.hasTimestamp || hmac?.timestampHeader != nil {
                $0.member("tolerance_seconds", toleranceSeconds)
            }
        }
    }

    /// What takes the place of a secret: its number, so that one of several can be left out and the others kept.
    static func mask(_ number: Int) -> String { "#\(number) \(SecretMask.dots)" }
}

// MARK: - Reading

extension SourceVerification {
    private static func readScheme(_ reader: inout ObjectReader) -> Scheme? {
        guard let name = reader.string("scheme", required: true) else { return nil }
        guard let scheme = Scheme(rawValue: name) else {
            reader.refuse("scheme", "must be one of \(Scheme.allCases.map(\.rawValue).joined(separator: ", "))")
            return nil
        }
        return scheme
    }

    private static func readUsername(_ reader: inout ObjectReader) -> String? {
        guard let name = reader.string("username", required: true, length: 1...200) else { return nil }
        if name.utf8.contains(UInt8(ascii: ":")) { reader.refuse("username", "can't hold a colon (RFC 7617)") }
        return name
    }

    private static func readSecrets(
        _ reader: inout ObjectReader, _ scheme: Scheme, stored: [String]
    ) -> [String] {
        let elements = reader.array("secrets", required: true, count: 1...maximumSecrets) ?? []
        return elements.compactMap { element, pointer in
            reader.attempt { () throws(JSONValidationError) -> String in
                guard let text = element.string else {
                    throw JSONValidationError(pointer: pointer, detail: "must be a string")
                }
                if SecretMask.isMasked(text) { return try unmask(text, stored, pointer: pointer) }
                if let detail = flaw(of: text, scheme) { throw JSONValidationError(pointer: pointer, detail: detail) }
                return text
            }
        }
    }

    private static func unmask(
        _ text: String, _ stored: [String], pointer: String
    ) throws(JSONValidationError) -> String {
        guard let index = stored.indices.first(where: { mask($0 + 1) == text }) else {
            throw JSONValidationError(
                pointer: pointer,
                detail: "is masked, and there is no stored secret for this scheme that it stands for; send the secret")
        }
        return stored[index]
    }

    /// What is wrong with a new secret; never a part of it.
    private static func flaw(of secret: String, _ scheme: Scheme) -> String? {
        if scheme == .standardWebhooks {
            return SigningSecret.key(of: secret) == nil ? "must be whsec_ and the Base64 of 24 to 64 bytes" : nil
        }
        guard (8...512).contains(secret.utf8.count) else { return "must have 8 to 512 bytes" }
        let edges = [secret.utf8.first, secret.utf8.last].compactMap(\.self)
        return edges.contains { $0 <= 0x20 } ? "begins or ends with a blank; was it pasted with one?" : nil
    }
}
