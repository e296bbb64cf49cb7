import JSONTree

/// Sends a message by a Telegram bot.
public struct TelegramAction: Sendable {
    /// How Telegram reads the text.
    public enum ParseMode: String, Sendable, CaseIterable {
        /// A few HTML tags.
        case html = "HTML"
        /// Telegram's second Markdown.
        case markdownV2 = "MarkdownV2"

        var escaping: Escaping { self == .html ? .html : .markdownV2 }
    }

    /// Where a message goes.
    enum Chat: Sendable, Equatable {
        case number(Int64)
        case name(String)
    }

    /// Longest text of one message, in UTF-16 code units as Telegram counts.
    static let maximumTextLength = 4096

    /// The bot's number and its secret.
    public let botToken: String
    let chat: Chat
    let text: Template
    let parseMode: ParseMode?
    let disableNotification: Bool

    /// Reads `{"bot_token", "chat_id", "text", "parse_mode"?, "disable_notification"?}`.
    ///
    /// - Parameter stored: actions whose token a mask may stand for, the likeliest first.
    init(_ value: JSONValue, pointer: String, secretsFrom stored: [TelegramAction]) throws(JSONValidationError) {
        var reader = ObjectReader(value, pointer: pointer)
        let botToken = Self.readToken(&reader, stored: stored)
        let chat = Self.readChat(&reader)
        let text = Self.readText(&reader)
        parseMode = Self.readParseMode(&reader)
        disableNotification = reader.bool("disable_notification") ?? false
        try reader.finish()
        guard let botToken, let chat, let text else {
            throw JSONValidationError(pointer: pointer, detail: "has no bot_token, chat_id or text")
        }
        self.botToken = botToken
        self.chat = chat
        self.text = text
    }

    func write(to writer: inout JSONWriter, secrets: SecretMode) {
        writer.object {
            $0.member("bot_token", secrets == .masked ? Self.mask(botToken) : botToken)
            $0.key("chat_id")
            chat.write(to: &$0)
            $0.member("text", text.source)
            if let parseMode { $0.member("parse_mode", parseMode.rawValue) }
            if disableNotification { $0.member("disable_notification", true) }
        }
    }

    /// The bot's number is public and tells two bots apart.
    static func mask(_ token: String) -> String { token.prefix { $0 != ":" } + ":" + SecretMask.dots }
}

extension TelegramAction.Chat {
    func write(to writer: inout JSONWriter) {
        switch self {
        case .number(let number): writer.int(number)
        case .name(let name): writer.string(name)
        }
    }
}

// MARK: - Reading

extension TelegramAction {
    private static func readToken(_ reader: inout ObjectReader, stored: [TelegramAction]) -> String? {
        guard let text = reader.string("bot_token", required: true) else { return nil }
        if SecretMask.isMasked(text) {
            if let kept = stored.first(where: { mask($0.botToken) == text }) { return kept.botToken }
            reader.refuse("bot_token", "is masked, and no stored token belongs to it; send the token")
            return nil
        }
        guard isToken(text) else {
            reader.refuse("bot_token", "must be a bot's token, like 123456:ABC-DEF…")
            return nil
        }
        return text
    }

    /// Digits, a colon, and characters that need no escape in a URL's path, where the token goes.
    private static func isToken(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count == 2, (1...20).contains(parts[0].count), (1...128).contains(parts[1].count) else {
            return false
        }
        return parts[0].allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            && parts[1].allSatisfy { Escaping.isUnreserved($0) && $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "~") }
    }

    private static func readChat(_ reader: inout ObjectReader) -> Chat? {
        guard let value = reader.member("chat_id", required: true) else { return nil }
        if let number = value.int64 { return .number(number) }
        if let name = value.string, (1...64).contains(name.utf8.count) { return .name(name) }
        reader.refuse("chat_id", "must be a chat's number or a channel's name, like \"@channel\"")
        return nil
    }

    private static func readText(_ reader: inout ObjectReader) -> Template? {
        guard let text = reader.string("text", required: true) else { return nil }
        guard !text.isEmpty, text.utf16.count <= maximumTextLength else {
            reader.refuse("text", "must have 1 to \(maximumTextLength) characters, as UTF-16 counts them")
            return nil
        }
        let place = reader.pointer(to: "text")
        return reader.attempt { () throws(JSONValidationError) -> Template in try Template(text, pointer: place) }
    }

    private static func readParseMode(_ reader: inout ObjectReader) -> ParseMode? {
        guard let name = reader.string("parse_mode") else { return nil }
        guard let mode = ParseMode(rawValue: name) else {
            reader.refuse("parse_mode", "must be HTML or MarkdownV2")
            return nil
        }
        return mode
    }
}
