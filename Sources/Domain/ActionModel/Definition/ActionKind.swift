/// What an action does; also the name of its ready list in Redis.
public enum ActionKind: String, Sendable, CaseIterable {
    /// Calls a URL, signed by Standard Webhooks.
    case rest
    /// Sends a message by a Telegram bot.
    case telegram
    /// Asks a language model.
    case llm
    /// Calls a tool of a Model Context Protocol server.
    case mcp
}
