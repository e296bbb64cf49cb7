import JSONTree

/// Posts a message by an incoming webhook of Slack.
public struct SlackAction: Sendable {
    static let maximumTextBytes = 256 * 1024
    static let maximumBlocks = 50

    /// The address to post to, a secret: who knows it may post.
    let webhook: RestURL
    let text: Template?
    let blocks: JSONTemplate?
    /// The blocks as written, for showing them again.
    let blocksSource: [UInt8]?

    /// What a circuit breaker stands for.
    var endpoint: String { webhook.endpoint }

    /// Reads `{"webhook_url", "text"?, "blocks"?}`, of which one of the last two is needed.
    ///
    /// - Parameter stored: actions whose address a mask may stand for, the likeliest first.
    init(_ value: JSONValue, pointer: String, secretsFrom stored: [SlackAction]) throws(JSONValidationError) {
        var reader = ObjectReader(value, pointer: pointer)
        let webhook = Self.readWebhook(&reader, stored: stored)
        let textPlace = reader.pointer(to: "text")
        text = reader.string("text", length: 1...Template.maximumBytes).flatMap { text in
            reader.attempt { () throws(JSONValidationError) -> Template in try Template(text, pointer: textPlace) }
        }
        let blocksValue = reader.member("blocks")
        blocksSource = blocksValue.map { Array($0.source) }
        if let blocksValue, blocksValue.kind != .array || !(1...Self.maximumBlocks).contains(blocksValue.count) {
            reader.refuse("blocks", "must be an array of 1 to \(Self.maximumBlocks) blocks")
        }
        let blocksPlace = reader.pointer(to: "blocks")
        blocks = blocksValue.flatMap { value in
            reader.attempt { () throws(JSONValidationError) -> JSONTemplate in
                try JSONTemplate.read(value, pointer: blocksPlace, rules: Self.rules)
            }
        }
        if reader.isObject, !reader.has("text"), blocksValue == nil {
            reader.refuse("text", "is required without blocks")
        }
        try reader.finish()
        guard let webhook else { throw JSONValidationError(pointer: pointer, detail: "has no webhook_url") }
        self.webhook = webhook
    }

    func write(to writer: inout JSONWriter, secrets: SecretMode) {
        writer.object {
            $0.member("webhook_url", secrets == .masked ? mask : webhook.template.source)
            if let text { $0.member("text", text.source) }
            if let blocksSource { $0.memberRaw("blocks", blocksSource) }
        }
    }

    private var mask: String { "\(webhook.origin)/\(SecretMask.dots)" }

    /// Strings stay strings, because Slack takes nothing else in their place. Of texts only mrkdwn has characters that
    /// mean something.
    private static let rules = JSONTemplate.Rules(
        keepsTypes: false,
        escaping: { key, owner in
            if key == "url" || key.hasSuffix("_url") { return .url }
            return key == "text" && owner["type"]?.string == "mrkdwn" ? .slack : .none
        })

    private static func readWebhook(_ reader: inout ObjectReader, stored: [SlackAction]) -> RestURL? {
        let place = reader.pointer(to: "webhook_url")
        guard let text = reader.string("webhook_url", required: true, length: 1...RestURL.maximumLength) else {
            return nil
        }
        if SecretMask.isMasked(text) {
            if let kept = stored.first(where: { $0.mask == text }) { return kept.webhook }
            reader.refuse("webhook_url", "is masked, and no stored address belongs to it; send the address")
            return nil
        }
        let url = reader.attempt { () throws(JSONValidationError) -> RestURL in try RestURL(text, pointer: place) }
        guard let url, !text.contains("{{") else {
            if url != nil { reader.refuse("webhook_url", "can't have placeholders") }
            return nil
        }
        return url
    }
}

/// A message for Slack that is ready to be posted.
public struct RenderedSlack: Sendable {
    /// Where to post it; must be kept out of errors, logs and stored attempts, but for its origin.
    public let webhook: String
    /// Scheme, host and port of the webhook.
    public let origin: String
    /// The JSON to post.
    public let body: [UInt8]
}

extension SlackAction {
    /// Renders the message for a firing.
    ///
    /// - Throws: ``RenderingError`` when a value is missing that has no default, or the message is too large.
    public func request(for firing: Firing) throws(RenderingError) -> RenderedSlack {
        let limit = Self.maximumTextBytes
        let words = try text?.render(firing, escaping: .slack, limit: limit, of: .text)
        let layout = try blocks?.render(firing, limit: limit, of: .body)
        if layout == nil, words?.isEmpty != false { throw .invalid(.text, "is empty") }
        var writer = JSONWriter()
        writer.object {
            if let words { $0.member("text", words) }
            if let layout { $0.memberRaw("blocks", layout) }
        }
        return RenderedSlack(webhook: webhook.template.source, origin: webhook.origin, body: writer.bytes)
    }
}
