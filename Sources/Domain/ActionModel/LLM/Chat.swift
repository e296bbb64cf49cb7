import JSONTree

/// A conversation with a model, ready to be sent to an OpenAI-compatible `/chat/completions`.
public struct Chat: Sendable {
    /// Largest rendered prompt, and largest system prompt, in bytes.
    static let maximumTextBytes = 256 * 1024
    /// Of the problems of an answer, how many are sent back.
    static let problemsSentBack = 10

    private struct Message: Sendable {
        let role: String
        let content: String
    }

    private let action: LLMAction
    private let model: String
    private var messages: [Message] = []

    /// Renders the questions of an action for a firing.
    ///
    /// - Parameter model: the one to ask when the action names none.
    init(_ action: LLMAction, for firing: Firing, model: String) throws(RenderingError) {
        self.action = action
        self.model = action.model ?? model
        let limit = Self.maximumTextBytes
        if let system = action.system {
            let text = try system.render(firing, escaping: .none, limit: limit, of: .body)
            messages.append(Message(role: "system", content: text))
        }
        let text = try action.prompt.render(firing, escaping: .none, limit: limit, of: .body)
        messages.append(Message(role: "user", content: text))
    }

    /// The conversation after an answer that did not fit: what is wrong with it is said once.
    public func mending(_ answer: String, _ problems: [JSONProblem]) -> Chat {
        var chat = self
        let list = problems.prefix(Self.problemsSentBack).map { problem in
            problem.pointer.isEmpty ? "- \(problem.detail)" : "- \(problem.pointer): \(problem.detail)"
        }
        chat.messages.append(Message(role: "assistant", content: answer))
        chat.messages.append(
            Message(
                role: "user",
                content: "Your answer does not fit the JSON Schema:\n\(list.joined(separator: "\n"))\n"
                    + "Answer again, with nothing but the JSON object."))
        return chat
    }

    /// The JSON to post. What it asks is all in it, so that equal bodies are equal questions.
    public var body: [UInt8] {
        var writer = JSONWriter()
        writer.object {
            $0.member("model", model)
            $0.key("messages")
            $0.array { array in
                for message in messages {
                    array.object {
                        $0.member("role", message.role)
                        $0.member("content", message.content)
                    }
                }
            }
            if let temperature = action.temperature { $0.memberRaw("temperature", temperature) }
            $0.member("max_tokens", action.maxTokens)
            $0.member("stream", true)
            $0.key("stream_options")
            $0.object { $0.member("include_usage", true) }
            if let schema = action.responseSchema {
                $0.key("response_format")
                $0.object {
                    $0.member("type", "json_schema")
                    $0.key("json_schema")
                    $0.object {
                        $0.member("name", "answer")
                        $0.member("strict", schema.isStrict)
                        $0.memberRaw("schema", schema.source)
                    }
                }
            }
        }
        return writer.bytes
    }

    /// About how many tokens question and longest answer have: what is set aside of a budget until the model has
    /// counted. A token is seldom less than three bytes of text; every message has some of its own.
    public var estimatedTokens: Int64 { estimatedQuestion + Int64(action.maxTokens) }

    /// About what was used, for a service that does not count.
    public func estimatedUsage(of completion: ChatCompletion) -> ChatCompletion.Usage {
        let answer = (completion.text.utf8.count + completion.reasoning.utf8.count) / 3 + 1
        return ChatCompletion.Usage(promptTokens: estimatedQuestion, completionTokens: Int64(answer))
    }

    private var estimatedQuestion: Int64 {
        let question = messages.reduce(0) { $0 + $1.content.utf8.count / 3 + 8 }
        return Int64(question + (action.responseSchema?.source.count ?? 0) / 3)
    }
}

extension LLMAction {
    /// Renders the question for a firing.
    ///
    /// - Parameter model: the one to ask when the action names none.
    /// - Throws: when the event's values make a prompt larger than 256 KiB.
    public func chat(for firing: Firing, model: String) throws(RenderingError) -> Chat {
        try Chat(self, for: firing, model: model)
    }
}
