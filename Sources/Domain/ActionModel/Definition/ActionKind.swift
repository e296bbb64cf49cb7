/// What an action does; of those that are delivered also the name of the ready list in Redis.
public enum ActionKind: String, Sendable, CaseIterable {
    /// Calls a URL, signed by Standard Webhooks.
    case rest
    /// Sends a message by a Telegram bot.
    case telegram
    /// Asks a language model.
    case llm
    /// Calls a tool of a Model Context Protocol server.
    case mcp
    /// Appends an event to the log.
    case emit
    /// Posts a message by an incoming webhook of Slack.
    case slack
    /// Sends a mail by an SMTP server.
    case email

    /// Whether each firing has a delivery of it; else it is done when the firing is written.
    public var isDelivered: Bool { self != .emit }
}
