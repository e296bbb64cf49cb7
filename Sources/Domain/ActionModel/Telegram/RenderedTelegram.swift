import JSONTree

/// Calls of the Bot API that are ready to be made, one after the other: a text that is too long for one message is
/// several.
public struct RenderedTelegram: Sendable {
    /// One call.
    public struct Call: Sendable, Equatable {
        /// `sendMessage` or `sendPhoto`.
        public let method: String
        /// The JSON to post.
        public let body: [UInt8]
    }

    /// Part of the URL's path, `/bot<token>/<method>`; must be kept out of errors, logs and stored attempts.
    public let botToken: String
    /// The bot's number and its chat, which Telegram's limits are counted by; no secrets.
    public let bot: String
    /// The chat's number or name.
    public let chat: String
    /// At least one.
    public let calls: [Call]
}

extension TelegramAction {
    /// Bytes of a text that are rendered; what is over ``maximumParts`` messages is left out.
    static let maximumRenderedBytes = 4 * 1024 * 1024
    static let maximumPhotoBytes = 8 * 1024

    /// Renders the messages for a firing.
    ///
    /// - Throws: ``RenderingError`` when a value is missing that has no default, or nothing is left to be said.
    public func request(for firing: Firing) throws(RenderingError) -> RenderedTelegram {
        let words = try text?.render(
            firing, escaping: parseMode?.escaping ?? .none, limit: Self.maximumRenderedBytes, of: .text)
        // An address that comes whole from the event is taken as it is.
        let address = try photo?.render(
            firing, escaping: photo?.soleValue == nil ? .url : .none, limit: Self.maximumPhotoBytes, of: .photo)
        if let address, address.isEmpty { throw .invalid(.photo, "is empty") }
        var limits = Array(repeating: Self.maximumTextLength, count: Self.maximumParts)
        if address != nil { limits[0] = Self.maximumCaptionLength }
        let parts = words.map { MessageSplitter.split($0, parseMode, limits: limits) } ?? []
        guard address != nil || !parts.isEmpty else { throw .invalid(.text, "is empty") }
        let markup = try replyMarkup?.render(firing)
        let count = max(1, parts.count)
        let calls = (0..<count).map { number in
            call(
                parts.isEmpty ? nil : parts[number], photo: number == 0 ? address : nil,
                markup: number == count - 1 ? markup : nil)
        }
        return RenderedTelegram(
            botToken: botToken, bot: String(botToken.prefix { $0 != ":" }), chat: chat.name, calls: calls)
    }

    private func call(_ words: String?, photo: String?, markup: [UInt8]?) -> RenderedTelegram.Call {
        var writer = JSONWriter()
        writer.object {
            $0.key("chat_id")
            chat.write(to: &$0)
            if let threadID { $0.member("message_thread_id", threadID) }
            if let photo { $0.member("photo", photo) }
            if let words {
                $0.member(photo == nil ? "text" : "caption", words)
                if let parseMode { $0.member("parse_mode", parseMode.rawValue) }
            }
            if disableNotification { $0.member("disable_notification", true) }
            if let markup { $0.memberRaw("reply_markup", markup) }
        }
        return RenderedTelegram.Call(method: photo == nil ? "sendMessage" : "sendPhoto", body: writer.bytes)
    }
}

extension TelegramAction.Chat {
    /// As Telegram knows it: names are the same in any case.
    var name: String {
        switch self {
        case .number(let number): String(number)
        case .name(let name): name.lowercased()
        }
    }
}
