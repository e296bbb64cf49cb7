import JSONTree

/// An answer that can be used.
public struct LLMAnswer: Sendable, Equatable {
    /// What the model said, without what it thought; JSON when the action has a schema.
    public let text: String
    /// What the model thought before it said so.
    public let thinking: String
    /// Whether the text is JSON that fits the action's schema.
    public let isJSON: Bool

    /// Makes an answer of its members.
    public init(text: String, thinking: String, isJSON: Bool) {
        self.text = text
        self.thinking = thinking
        self.isJSON = isJSON
    }

    /// The data of the event that it becomes: the JSON itself, or `{"text": …}`.
    public var data: [UInt8] {
        guard !isJSON else { return Array(text.utf8) }
        var writer = JSONWriter()
        writer.object { $0.member("text", text) }
        return writer.bytes
    }
}

/// What is to be thought of an answer.
public enum LLMJudgement: Sendable, Equatable {
    /// It is what was asked for.
    case usable(LLMAnswer)
    /// It is not, for these reasons, which the model may be told once.
    case mendable(text: String, problems: [JSONProblem])
    /// It is not, and asking again would not help.
    case unusable(String)
}

extension LLMAction {
    /// Holds what a model said against what was asked for.
    public func judge(_ completion: ChatCompletion) -> LLMJudgement {
        if !completion.refusal.isEmpty {
            return .unusable("the model refused: \(completion.refusal.kept(ChatError.maximumLength))")
        }
        if completion.finishReason == "content_filter" {
            return .unusable("the service's content filter ended the answer")
        }
        guard let responseSchema else { return judgeText(completion) }
        let (text, thinking) = Self.jsonText(of: completion.text)
        let problems = Self.problems(of: text, responseSchema)
        guard !problems.isEmpty else {
            return .usable(
                LLMAnswer(text: text, thinking: Self.join(completion.reasoning, thinking), isJSON: true))
        }
        guard completion.finishReason != "length" else {
            return .unusable("the answer was cut off at max_tokens (\(maxTokens))")
        }
        return .mendable(text: text, problems: problems)
    }

    private func judgeText(_ completion: ChatCompletion) -> LLMJudgement {
        let (text, thinking) = Thinking.cut(from: completion.text)
        guard !text.isEmpty else {
            return .unusable(
                completion.finishReason == "length"
                    ? "max_tokens (\(maxTokens)) was used up before an answer began" : "the answer is empty")
        }
        return .usable(LLMAnswer(text: text, thinking: Self.join(completion.reasoning, thinking), isJSON: false))
    }

    /// A text that is JSON is the answer as it stands, whatever stands in its strings; else what the model thought is
    /// cut out, and the fence that models like to put around JSON.
    private static func jsonText(of text: String) -> (text: String, thinking: String) {
        let whole = Thinking.trimmed(text)
        if (try? JSONDocument(whole)) != nil { return (whole, "") }
        let (rest, thinking) = Thinking.cut(from: text)
        return (withoutFence(rest), thinking)
    }

    private static func withoutFence(_ text: String) -> String {
        guard text.hasPrefix("```"), text.hasSuffix("```"), text.utf8.count > 6 else { return text }
        let inner = text.dropLast(3)
        guard let end = inner.utf8.firstIndex(of: UInt8(ascii: "\n")) else { return text }
        return Thinking.trimmed(String(inner[end...]))
    }

    private static func problems(of text: String, _ schema: JSONSchema) -> [JSONProblem] {
        do throws(JSONError) {
            return schema.problems(with: try JSONDocument(text).root)
        } catch {
            return [JSONProblem(pointer: "", detail: "is refused as JSON: \(error)")]
        }
    }

    private static func join(_ texts: String...) -> String {
        texts.filter { !$0.isEmpty }.joined(separator: "\n\n")
    }
}

/// Tells what a model thought from what it said, where both come in one text.
enum Thinking {
    private static let opening = "<think>"
    private static let closing = "</think>"

    /// Cuts out every `<think>…</think>`.
    ///
    /// A block that is not closed goes on to the end: the model was still thinking. A closing tag alone ends a block
    /// whose opening tag was part of the question, as some models' templates have it.
    static func cut(from text: String) -> (text: String, thinking: String) {
        var said = ""
        var thought: [String] = []
        var rest = text[...]
        if let end = range(of: closing, in: rest), range(of: opening, in: rest[..<end.lowerBound]) == nil {
            thought.append(trimmed(String(rest[..<end.lowerBound])))
            rest = rest[end.upperBound...]
        }
        while let start = range(of: opening, in: rest) {
            said += rest[..<start.lowerBound]
            rest = rest[start.upperBound...]
            guard let end = range(of: closing, in: rest) else {
                thought.append(trimmed(String(rest)))
                rest = ""
                break
            }
            thought.append(trimmed(String(rest[..<end.lowerBound])))
            rest = rest[end.upperBound...]
        }
        said += rest
        return (trimmed(said), thought.filter { !$0.isEmpty }.joined(separator: "\n\n"))
    }

    /// Without whitespace at both ends.
    static func trimmed(_ text: String) -> String {
        let isBlank: (Character) -> Bool = { $0.isWhitespace }
        return String(text.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }

    private static func range(of tag: String, in text: Substring) -> Range<String.Index>? {
        text.firstRange(of: tag)
    }
}
