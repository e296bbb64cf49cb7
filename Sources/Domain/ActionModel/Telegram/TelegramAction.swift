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
    /// Longest text under a picture.
    static let maximumCaptionLength = 1024
    /// Messages that one text is split into at most.
    static let maximumParts = 10

    /// The bot's number and its secret.
    public let botToken: String
    let chat: Chat
    /// Which topic of a forum; nil for none.
    let threadID: Int64?
    let text: Template?
    let photo: Template?
    let parseMode: ParseMode?
    let disableNotification: Bool
    let replyMarkup: InlineKeyboard?

    /// Reads `{"bot_token", "chat_id", "text", "photo"?, "parse_mode"?, "disable_notification"?, "message_thread_id"?,
    /// "reply_markup"?}`; with a photo the text may be missing.
    ///
    /// - Parameter stored: actions whose token a mask may stand for, the likeliest first.
    init(_ value: JSONValue, pointer: String, secretsFrom stored: [TelegramAction]) throws(JSONValidationError) {
        var reader = ObjectReader(value, pointer: pointer)
        let botToken = Self.readToken(&reader, stored: stored)
        let chat = Self.readChat(&reader)
        threadID = reader.integer("message_thread_id", in: 1...Int64(Int32.max))
        photo = Self.readTemplate("photo", required: false, &reader)
        text = Self.readTemplate("text", required: !reader.has("photo"), &reader)
        parseMode = Self.readParseMode(&reader)
        disableNotification = reader.bool("disable_notification") ?? false
        let place = reader.pointer(to: "reply_markup")
        replyMarkup = reader.member("reply_markup").flatMap { value in
            reader.attempt { () throws(JSONValidationError) -> InlineKeyboard in
                try InlineKeyboard(value, pointer: place)
            }
        }
        try reader.finish()
        guard let botToken, let chat else {
            throw JSONValidationError(pointer: pointer, detail: "has no bot_token or chat_id")
        }
        self.botToken = botToken
        self.chat = chat
    }

    func write(to writer: inout JSONWriter, secrets: SecretMode) {
        writer.object {
            $0.member("bot_token", secrets == .masked ? Self.mask(botToken) : botToken)
            $0.key("chat_id")
            chat.write(to: &$0)
            if let threadID { $0.member("message_thread_id", threadID) }
            if let photo { $0.member("photo", photo.source) }
            if let text { $0.member("text", text.source) }
            if let parseMode { $0.member("parse_mode", parseMode.rawValue) }
            if disableNotification { $0.member("disable_notification", true) }
            if let replyMarkup { $0.memberRaw("reply_markup", replyMarkup.source) }
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

    private static func readTemplate(_ name: String, required: Bool, _ reader: inout ObjectReader) -> Template? {
        let place = reader.pointer(to: name)
        return reader.string(name, required: required, length: 1...Template.maximumBytes).flatMap { text in
            reader.attempt { () throws(JSONValidationError) -> Template in try Template(text, pointer: place) }
        }
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
