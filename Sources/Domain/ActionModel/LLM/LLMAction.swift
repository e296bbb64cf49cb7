import JSONTree

/// Asks a language model.
///
/// The model and its address are the installation's; an action names at most another model there. What the model says
/// is data: it never becomes an address, a header, a credential or a tool.
public struct LLMAction: Sendable {
    static let tokens: ClosedRange<Int64> = 1...32_768
    static let defaultTokens = 1_024
    static let timeouts: ClosedRange<Int64> = 1_000...600_000
    static let defaultTimeoutMilliseconds = 60_000
    static let cacheTimes = TimeSpan("1s")!...TimeSpan("30d")!
    static let maximumModelLength = 200

    let system: Template?
    let prompt: Template
    /// What the answer has to be; nil for any text.
    public let responseSchema: JSONSchema?
    let model: String?
    /// As written.
    let temperature: [UInt8]?
    /// Most tokens of an answer.
    public let maxTokens: Int
    /// How long one attempt may take as a whole, the repair of an answer included.
    public let timeoutMilliseconds: Int
    /// How long an answer may be given again to the same question; nil for never.
    public let cache: TimeSpan?
    let emitEventType: String?

    /// Reads `{"prompt", "system"?, "response_schema"?, "model"?, "temperature"?, "max_tokens"?, "timeout_ms"?,
    /// "cache"?, "emit_event_type"?}`.
    init(_ value: JSONValue, pointer: String) throws(JSONValidationError) {
        var reader = ObjectReader(value, pointer: pointer)
        let prompt = Self.readTemplate("prompt", required: true, &reader)
        system = Self.readTemplate("system", required: false, &reader)
        responseSchema = Self.readSchema(&reader)
        model = reader.string("model", length: 1...Self.maximumModelLength)
        temperature = Self.readTemperature(&reader)
        maxTokens = reader.integer("max_tokens", in: Self.tokens).map { Int($0) } ?? Self.defaultTokens
        let timeout = reader.integer("timeout_ms", in: Self.timeouts)
        timeoutMilliseconds = timeout.map { Int($0) } ?? Self.defaultTimeoutMilliseconds
        cache = Self.readCache(&reader)
        emitEventType = reader.derivedType("emit_event_type")
        try reader.finish()
        guard let prompt else { throw JSONValidationError(pointer: pointer, detail: "has no prompt") }
        self.prompt = prompt
    }

    func write(to writer: inout JSONWriter) {
        writer.object {
            if let system { $0.member("system", system.source) }
            $0.member("prompt", prompt.source)
            if let responseSchema { $0.memberRaw("response_schema", responseSchema.source) }
            if let model { $0.member("model", model) }
            if let temperature { $0.memberRaw("temperature", temperature) }
            $0.member("max_tokens", maxTokens)
            $0.member("timeout_ms", timeoutMilliseconds)
            if let cache { $0.member("cache", cache.description) }
            if let emitEventType { $0.member("emit_event_type", emitEventType) }
        }
    }

    /// The event that the answer becomes; nil when it becomes none.
    ///
    /// - Throws: when it would derive from too many others, so that nobody need be asked.
    public func event(for firing: Firing) throws(EmitError) -> AnswerEvent? {
        guard let emitEventType else { return nil }
        return try AnswerEvent(type: emitEventType, for: firing)
    }
}

// MARK: - Reading

extension LLMAction {
    private static func readTemplate(_ name: String, required: Bool, _ reader: inout ObjectReader) -> Template? {
        let place = reader.pointer(to: name)
        guard let text = reader.string(name, required: required) else { return nil }
        guard !text.isEmpty else {
            reader.refuse(name, "must not be empty")
            return nil
        }
        return reader.attempt { () throws(JSONValidationError) -> Template in try Template(text, pointer: place) }
    }

    private static func readSchema(_ reader: inout ObjectReader) -> JSONSchema? {
        guard let value = reader.member("response_schema") else { return nil }
        let place = reader.pointer(to: "response_schema")
        let schema = reader.attempt { () throws(JSONValidationError) -> JSONSchema in
            try JSONSchema(value, pointer: place, unknown: .refused)
        }
        if let schema, !schema.isOfObjects { reader.refuse("response_schema", "must have the type object") }
        return schema
    }

    private static func readTemperature(_ reader: inout ObjectReader) -> [UInt8]? {
        guard let value = reader.member("temperature") else { return nil }
        guard let number = value.double, (0...2).contains(number) else {
            reader.refuse("temperature", "must be a number from 0 to 2")
            return nil
        }
        return Array(value.source)
    }

    private static func readCache(_ reader: inout ObjectReader) -> TimeSpan? {
        guard let text = reader.string("cache") else { return nil }
        guard let span = TimeSpan(text), cacheTimes.contains(span) else {
            let bounds = "\(cacheTimes.lowerBound) to \(cacheTimes.upperBound)"
            reader.refuse("cache", "must be a duration from \(bounds), like \"1h\"")
            return nil
        }
        return span
    }
}
