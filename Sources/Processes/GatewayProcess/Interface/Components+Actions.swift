import ActionModel

extension Components {
    /// One of the seven kinds.
    static let action = Schema.one(of: [rest, telegram, slack, email, llm, mcp, emit])

    static let retry = Schema.order([
        .optional("max_attempts", .integer(1...50)),
        .optional("schedule", .array(of: .duration, count: 1...50), "Between attempts; the last is repeated."),
    ])

    static let rateLimit = Schema.order([
        .always("limit", .integer(1...10_000), "Attempts in a span."),
        .always("per", .duration, "The span, from 1s to 24h."),
        .optional("burst", .integer(1...10_000), "How many may go at once after a pause."),
    ])

    private static func action(_ kind: ActionKind, _ config: [Property]) -> Schema {
        var members: [Property] = [
            .always("type", .constant(kind.rawValue)), .always("config", .order(config)),
        ]
        if kind.isDelivered {
            members += [
                .optional("retry", .reference("Retry")), .optional("rate_limit", .reference("RateLimit")),
            ]
        }
        return .order(members)
    }

    private static let template = Schema.text(1...65_536)
    private static let headers = Schema.map(of: .text())

    private static let rest = action(
        .rest,
        [
            .always("url", .uri, "May have placeholders `{{path}}`."),
            .optional("method", .choice(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])),
            .optional("headers", headers),
            .sometimes("body", .anything, "JSON with placeholders; without one, the firing."),
            .optional("timeout_ms", .integer(100...60_000)),
            .optional("signing_secret", .text(), "Standard Webhooks: `whsec_…`."),
            .optional("signing_secrets", .array(of: .text(), count: 1...5)),
            .optional("tls", .anyObject, "`ca_pem`, `client_certificate`, `client_key`, `min_version`."),
        ])

    private static let telegram = action(
        .telegram,
        [
            .always("bot_token", .text()),
            .always("chat_id", .any(of: [Schema([("type", "integer")]), .text()])),
            .optional("text", template),
            .optional("photo", template),
            .optional("parse_mode", .choice(["HTML", "MarkdownV2"])),
            .optional("disable_notification", .flag),
            .optional("message_thread_id", .integer(1...Int(Int32.max))),
            .optional("reply_markup", .anyObject),
        ])

    private static let slack = action(
        .slack,
        [
            .always("webhook_url", .uri),
            .optional("text", template),
            .optional("blocks", .array(of: .anything, count: 1...50)),
        ])

    private static let email = action(
        .email,
        [
            .always("host", .text(1...255)),
            .optional("port", .integer(1...65_535)),
            .optional("tls", .choice(["none", "starttls", "implicit"])),
            .optional("username", .text(1...256)),
            .optional("password", .text(1...1_024)),
            .optional("ca_pem", .text(1...65_536)),
            .always("from", .text(1...512)),
            .always("to", .array(of: .text(), count: 1...50)),
            .always("subject", .text(1...1_024)),
            .always("text", template),
            .optional("html", template),
        ])

    private static let llm = action(
        .llm,
        [
            .always("prompt", template),
            .optional("system", template),
            .optional("response_schema", .anyObject),
            .optional("model", .text(1...200)),
            .optional("temperature", .number),
            .optional("max_tokens", .integer(1...32_768)),
            .optional("timeout_ms", .integer(1_000...600_000)),
            .optional("cache", .duration),
            .optional("emit_event_type", .text(1...255)),
        ])

    private static let mcp = action(
        .mcp,
        [
            .always("server_url", .uri),
            .always("tool", .text(1...255)),
            .optional("arguments", .anyObject),
            .optional("headers", headers),
            .optional("timeout_ms", .integer(1_000...600_000)),
            .optional("emit_event_type", .text(1...255)),
        ])

    private static let emit = action(
        .emit,
        [
            .always("event_type", .text(1...255)),
            .optional("data", .anyObject),
            .optional("subject", .text(1...512)),
        ])
}
