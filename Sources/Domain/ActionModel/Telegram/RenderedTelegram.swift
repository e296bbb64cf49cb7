import JSONTree

/// A call of the Bot API's `sendMessage` that is ready to be sent.
public struct RenderedTelegram: Sendable {
    /// Part of the URL's path, `/bot<token>/sendMessage`; must be kept out of errors, logs and stored attempts.
    public let botToken: String
    /// The JSON to post.
    public let body: [UInt8]
}

extension TelegramAction {
    /// Renders the message for a firing.
    ///
    /// A text over Telegram's limit is made to fit by cutting the longest values, each ending in "…", so that the
    /// markup around them stays whole.
    public func request(for firing: Firing) -> RenderedTelegram {
        var writer = JSONWriter()
        writer.object {
            $0.key("chat_id")
            chat.write(to: &$0)
            $0.member("text", message(for: firing))
            if let parseMode { $0.member("parse_mode", parseMode.rawValue) }
            if disableNotification { $0.member("disable_notification", true) }
        }
        return RenderedTelegram(botToken: botToken, body: writer.bytes)
    }

    /// Finds the largest limit of a value at which the text fits, by bisection.
    ///
    /// At a limit of 1 a value is about as long as its placeholder, so that nearly every text fits; what an escape is
    /// longer is cut off the end.
    private func message(for firing: Firing) -> String {
        let limit = Self.maximumTextLength
        let render = { text.render(firing, escaping: parseMode?.escaping ?? .none, valueLimit: $0) }
        var best = render(limit)
        guard best.utf16.count > limit else { return best }
        var fitting = 1
        var tooLong = limit
        best = render(fitting)
        while tooLong - fitting > 1 {
            let middle = (fitting + tooLong) / 2
            let candidate = render(middle)
            if candidate.utf16.count <= limit {
                fitting = middle
                best = candidate
            } else {
                tooLong = middle
            }
        }
        return best.cut(toUTF16: limit)
    }
}
