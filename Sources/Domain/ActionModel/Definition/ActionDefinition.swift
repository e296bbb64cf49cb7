import JSONTree

/// One action of a trigger (CONTRACT §5): what to do, with what, and how often to try.
public struct ActionDefinition: Sendable {
    /// What the action does with what.
    public let config: ActionConfig
    /// When to try again.
    public let retry: RetryPolicy
    /// How often it may be carried out; nil for as often as it fires.
    public let rateLimit: RateLimit?

    /// What kind of action it is.
    public var kind: ActionKind { config.kind }

    /// Reads a definition.
    ///
    /// - Parameters:
    ///   - previous: the definition that this one replaces; a masked secret keeps the one stored there.
    /// - Throws: everything that is wrong with it.
    public init(
        _ value: JSONValue, pointer: String, secretsFrom previous: ActionDefinition? = nil
    ) throws(JSONValidationError) {
        try self.init(value, pointer: pointer, secretsFrom: previous.map { [$0] } ?? [])
    }

    /// Reads a definition that may take its secrets from any of several, the likeliest first: an action that was moved
    /// within its trigger keeps them too.
    package init(
        _ value: JSONValue, pointer: String, secretsFrom candidates: [ActionDefinition]
    ) throws(JSONValidationError) {
        var reader = ObjectReader(value, pointer: pointer)
        let kind = Self.readKind(&reader)
        let place = reader.pointer(to: "config")
        let config: ActionConfig?? = reader.member("config", required: true).map { value in
            reader.attempt { () throws(JSONValidationError) -> ActionConfig? in
                try ActionConfig(kind, value, pointer: place, secretsFrom: candidates.map(\.config))
            } ?? nil
        }
        if kind == .emit, reader.has("retry") {
            reader.refuse("retry", "an event is emitted with the firing, and there is nothing to try again")
        }
        let rule: RetryPolicy.RetryAfterRule = kind == .telegram || kind == .slack ? .obeyed : .withinTwiceTheStep
        let retryPlace = reader.pointer(to: "retry")
        let retry = reader.member("retry").map { value in
            reader.attempt { () throws(JSONValidationError) -> RetryPolicy in
                try RetryPolicy(value, pointer: retryPlace, retryAfter: rule)
            }
        }
        if kind == .emit, reader.has("rate_limit") {
            reader.refuse("rate_limit", "an event is emitted with the firing, and can't wait")
        }
        let limitPlace = reader.pointer(to: "rate_limit")
        let rateLimit = reader.member("rate_limit").map { value in
            reader.attempt { () throws(JSONValidationError) -> RateLimit in
                try RateLimit(value, pointer: limitPlace)
            }
        }
        try reader.finish()
        guard case .some(.some(let config)) = config else {
            throw JSONValidationError(pointer: pointer, detail: "has no type")
        }
        self.config = config
        self.retry = (retry ?? nil) ?? RetryPolicy.standard(retryAfter: rule)
        self.rateLimit = rateLimit ?? nil
    }

    private static func readKind(_ reader: inout ObjectReader) -> ActionKind? {
        guard let name = reader.string("type", required: true) else { return nil }
        guard let kind = ActionKind(rawValue: name) else {
            let names = ActionKind.allCases.map(\.rawValue).joined(separator: ", ")
            reader.refuse("type", "must be one of \(names)")
            return nil
        }
        return kind
    }

    /// Writes the definition; ``SecretMode/plain`` reads back as the same.
    public func write(to writer: inout JSONWriter, secrets: SecretMode) {
        writer.object {
            $0.member("type", kind.rawValue)
            $0.key("config")
            switch config {
            case .rest(let action): action.write(to: &$0, secrets: secrets)
            case .telegram(let action): action.write(to: &$0, secrets: secrets)
            case .emit(let action): action.write(to: &$0)
            case .slack(let action): action.write(to: &$0, secrets: secrets)
            case .email(let action): action.write(to: &$0, secrets: secrets)
            case .llm(let action): action.write(to: &$0)
            case .mcp(let action): action.write(to: &$0, secrets: secrets)
            }
            if !retry.isStandard {
                $0.key("retry")
                retry.write(to: &$0)
            }
            if let rateLimit {
                $0.key("rate_limit")
                rateLimit.write(to: &$0)
            }
        }
    }
}

/// The settings of an action, by kind. Indirect, because what carries an action about would else have room for the
/// largest of them.
public indirect enum ActionConfig: Sendable {
    /// A call of a URL.
    case rest(RestAction)
    /// A message by a Telegram bot.
    case telegram(TelegramAction)
    /// A new event.
    case emit(EmitAction)
    /// A message by an incoming webhook of Slack.
    case slack(SlackAction)
    /// A mail by an SMTP server.
    case email(EmailAction)
    /// A question to a language model.
    case llm(LLMAction)
    /// A call of a tool.
    case mcp(MCPAction)

    /// What kind of action it is.
    public var kind: ActionKind {
        switch self {
        case .rest: .rest
        case .telegram: .telegram
        case .emit: .emit
        case .slack: .slack
        case .email: .email
        case .llm: .llm
        case .mcp: .mcp
        }
    }

    /// Where it goes: what a circuit breaker stands for, and a slow answer slows down. Scheme, host and port of a URL
    /// that the action names, else the name of the kind, whose address is the operator's; nil for what goes nowhere.
    public var endpoint: String? {
        switch self {
        case .rest(let action): action.endpoint
        case .telegram, .llm: kind.rawValue
        case .emit: nil
        case .slack(let action): action.endpoint
        case .email(let action): action.endpoint
        case .mcp(let action): action.endpoint
        }
    }

    /// Reads the settings of a kind that is known; nil for any other, whose problem has been noted.
    init?(
        _ kind: ActionKind?, _ value: JSONValue, pointer: String, secretsFrom candidates: [ActionConfig]
    ) throws(JSONValidationError) {
        switch kind {
        case .rest:
            let stored = candidates.compactMap { if case .rest(let action) = $0 { action } else { nil } }
            self = .rest(try RestAction(value, pointer: pointer, secretsFrom: stored))
        case .telegram:
            let stored = candidates.compactMap { if case .telegram(let action) = $0 { action } else { nil } }
            self = .telegram(try TelegramAction(value, pointer: pointer, secretsFrom: stored))
        case .emit:
            self = .emit(try EmitAction(value, pointer: pointer))
        case .slack:
            let stored = candidates.compactMap { if case .slack(let action) = $0 { action } else { nil } }
            self = .slack(try SlackAction(value, pointer: pointer, secretsFrom: stored))
        case .email:
            let stored = candidates.compactMap { if case .email(let action) = $0 { action } else { nil } }
            self = .email(try EmailAction(value, pointer: pointer, secretsFrom: stored))
        case .llm:
            self = .llm(try LLMAction(value, pointer: pointer))
        case .mcp:
            let stored = candidates.compactMap { if case .mcp(let action) = $0 { action } else { nil } }
            self = .mcp(try MCPAction(value, pointer: pointer, secretsFrom: stored))
        case nil:
            return nil
        }
    }
}
