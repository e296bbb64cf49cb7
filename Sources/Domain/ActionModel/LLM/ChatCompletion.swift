import EventModel
import JSONTree

/// What a model said.
public struct ChatCompletion: Sendable, Equatable {
    /// Tokens, as the service counts them.
    public struct Usage: Sendable, Equatable {
        /// Of the question.
        public var promptTokens: Int64 = 0
        /// Of the answer, what it thought included.
        public var completionTokens: Int64 = 0

        /// Makes counts.
        public init(promptTokens: Int64 = 0, completionTokens: Int64 = 0) {
            self.promptTokens = promptTokens
            self.completionTokens = completionTokens
        }

        /// The sum of two.
        public static func + (left: Usage, right: Usage) -> Usage {
            Usage(
                promptTokens: left.promptTokens + right.promptTokens,
                completionTokens: left.completionTokens + right.completionTokens)
        }
    }

    /// The answer as it came.
    public internal(set) var text = ""
    /// What the model thought, where the service tells that apart from the answer.
    public internal(set) var reasoning = ""
    /// Why the model would not answer.
    public internal(set) var refusal = ""
    /// `stop`, `length`, `content_filter`, …; nil when the answer broke off.
    public internal(set) var finishReason: String?
    /// Nil when the service does not say.
    public internal(set) var usage: Usage?

    /// Nothing yet.
    init() {}
}

/// Why an answer can't be read.
public enum ChatProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// The service reports an error within its answer, in its own words.
    case service(String)
    /// It is no chat completion.
    case form(String)
    /// It is larger than is read.
    case tooLarge
    /// It ended before the model had finished.
    case brokenOff

    /// What is wrong.
    public var description: String {
        switch self {
        case .service(let words): "the service reports: \(words)"
        case .form(let detail): "the answer is no chat completion: \(detail)"
        case .tooLarge: "the answer is larger than \(ChatStream.maximumTextBytes) bytes"
        case .brokenOff: "the answer broke off"
        }
    }
}

/// Reads the body of a chat completion, streamed or whole, piece by piece as it comes; nothing is kept but what the
/// model said.
public struct ChatStream: Sendable {
    /// Most bytes that a model may say, and think.
    public static let maximumTextBytes = 1024 * 1024
    /// Most bytes of the body: a token of the answer comes in an event of some hundred bytes.
    static let maximumBytes = 16 * 1024 * 1024

    private enum Form { case unknown, events, whole }

    private var completion = ChatCompletion()
    private var problem: ChatProblem?
    private var form = Form.unknown
    private var events = ServerSentEvents()
    private var whole: [UInt8] = []
    private var byteCount = 0
    private var isDone = false

    /// Makes a reader.
    public init() {}

    /// Takes a piece.
    ///
    /// - Returns: whether more is wanted.
    public mutating func take(_ piece: [UInt8]) -> Bool {
        byteCount += piece.count
        guard byteCount <= Self.maximumBytes else {
            problem = problem ?? .tooLarge
            return false
        }
        if form == .unknown, let first = piece.first(where: { !" \t\r\n".utf8.contains($0) }) {
            // Some services answer whole whatever they are asked; no line of a stream of events begins like JSON.
            form = first == UInt8(ascii: "{") ? .whole : .events
        }
        if form == .whole {
            whole += piece
            if whole.count > 2 * Self.maximumTextBytes { problem = .tooLarge }
        } else {
            for event in events.take(piece) where problem == nil && !isDone { receive(event) }
        }
        return problem == nil && !isDone
    }

    /// What has come when nothing more does.
    public mutating func finish() throws(ChatProblem) -> ChatCompletion {
        if form == .whole, problem == nil { readWhole() }
        if let problem { throw problem }
        guard isDone || completion.finishReason != nil else { throw .brokenOff }
        return completion
    }

    private mutating func receive(_ event: ServerSentEvents.Event) {
        if event.data == "[DONE]" {
            isDone = true
            return
        }
        guard let chunk = read(Array(event.data.utf8)) else { return }
        // The chunk with the counts has no choices.
        if let choice = chunk["choices"]?[0] { take(choice["delta"], of: choice) }
    }

    private mutating func readWhole() {
        guard let answer = read(whole) else { return }
        guard let choice = answer["choices"]?[0] else {
            problem = .form("it has no choices")
            return
        }
        take(choice["message"], of: choice)
        isDone = true
    }

    private mutating func read(_ bytes: [UInt8]) -> JSONValue? {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONDocument(bytes).root
        } catch {
            problem = .form("\(error)")
            return nil
        }
        guard value.kind == .object else {
            problem = .form("it is no object")
            return nil
        }
        if let error = value["error"], !error.isNull {
            problem = .service(ChatError.words(of: error))
            return nil
        }
        if let usage = value["usage"], usage.kind == .object {
            completion.usage = ChatCompletion.Usage(
                promptTokens: max(0, usage["prompt_tokens"]?.int64 ?? 0),
                completionTokens: max(0, usage["completion_tokens"]?.int64 ?? 0))
        }
        return value
    }

    private mutating func take(_ message: JSONValue?, of choice: JSONValue) {
        completion.text += message?["content"]?.string ?? ""
        // Two names of the same, by service.
        completion.reasoning += message?["reasoning_content"]?.string ?? message?["reasoning"]?.string ?? ""
        completion.refusal += message?["refusal"]?.string ?? ""
        if let reason = choice["finish_reason"]?.string { completion.finishReason = reason }
        if completion.text.utf8.count + completion.reasoning.utf8.count > Self.maximumTextBytes { problem = .tooLarge }
    }
}

/// What a service says about an error: `{"error": {"message": …}}`, or another form of it.
public enum ChatError {
    static let maximumLength = 500

    /// The words in the body of an error; nil when there are none.
    public static func words(in body: [UInt8]) -> String? {
        guard let root = try? JSONDocument(body).root, let error = root["error"], !error.isNull else { return nil }
        return words(of: error)
    }

    static func words(of error: JSONValue) -> String {
        let words = error["message"]?.string ?? error.string ?? error.description
        return words.kept(maximumLength)
    }
}
