import Glibc
import JSONTree
import Synchronization
import TestKit

/// An embedding endpoint with the rules of the real ones: what they refuse it refuses, and it answers in an order of
/// its own.
final class FakeEndpoint: Sendable {
    /// What it does to a request, before its rules.
    enum Mood: Sendable {
        case well
        case answer(Int, headers: [String] = [], body: String = "")
        /// Nothing, until the other side has gone.
        case hang
        /// Nothing, until there are so many requests at once, or none but these come for long.
        case together(Int)
    }

    struct Seen: Sendable {
        let texts: [String]
        let dimensions: Int?
    }

    private struct State {
        var moods: [Mood] = []
        var usual = Mood.well
        var seen: [Seen] = []
        var underWay = 0
        var mostUnderWay = 0
    }

    static let key = "sk-test-0123456789"
    static let model = "test-embedding"
    private static let mostTexts = 2_048

    private let state = Mutex(State())
    private let length: Int
    private let poison: String?
    private let canShorten: Bool

    /// - Parameters:
    ///   - length: of its vectors.
    ///   - poison: a text that it does not take.
    ///   - canShorten: whether it takes `dimensions`.
    init(length: Int = 8, poison: String? = nil, canShorten: Bool = false) {
        self.length = length
        self.poison = poison
        self.canShorten = canShorten
    }

    /// The requests that kept to the rules.
    var seen: [Seen] { state.withLock { $0.seen } }

    /// How many requests there were at once.
    var mostUnderWay: Int { state.withLock { $0.mostUnderWay } }

    /// The next requests are treated so, one each.
    func next(_ moods: [Mood]) { state.withLock { $0.moods = moods } }

    /// All others are.
    func usually(_ mood: Mood) { state.withLock { $0.usual = mood } }

    /// The vector of a text: not of length 1, as those of some models are not.
    static func vector(of text: String, length: Int) -> [Float] {
        var values = [Float](repeating: 0, count: length)
        for (index, byte) in text.utf8.enumerated() { values[index % length] += Float(byte) }
        return values
    }

    func serve(_ connection: LoopbackConnection) {
        while let request = connection.readRequest() {
            let mood = state.withLock { state in
                state.underWay += 1
                state.mostUnderWay = max(state.mostUnderWay, state.underWay)
                return state.moods.isEmpty ? state.usual : state.moods.removeFirst()
            }
            defer { state.withLock { $0.underWay -= 1 } }
            switch mood {
            case .well: guard connection.write(answer(request)) else { return }
            case .answer(let status, let headers, let body):
                guard connection.write(httpAnswer(status, headers: headers, body: body)) else { return }
            case .hang: return connection.waitForEnd()
            case .together(let count):
                waitFor(count)
                guard connection.write(answer(request)) else { return }
            }
        }
    }

    /// A thread of its own waits here; ten seconds are as good as for ever.
    private func waitFor(_ count: Int) {
        for _ in 0..<10_000 where mostUnderWay < count { usleep(1_000) }
    }

    private func answer(_ request: LoopbackRequest) -> String {
        guard request.line == "POST /v1/embeddings HTTP/1.1" else { return refusal(404, "no such route") }
        guard request.headers["authorization"] == "Bearer \(Self.key)" else {
            return refusal(401, "Incorrect API key provided")
        }
        guard request.headers["content-type"] == "application/json", let root = try? JSONDocument(request.body).root
        else { return refusal(400, "We could not parse the JSON body of your request.") }
        guard root["model"]?.string == Self.model else { return refusal(404, "The model does not exist") }
        guard let input = root["input"], input.kind == .array, (1...Self.mostTexts).contains(input.count) else {
            return refusal(400, "'$.input' is invalid")
        }
        let texts = input.elements.compactMap(\.string)
        guard texts.count == input.count, !texts.contains(""), !texts.contains(where: { $0 == poison }) else {
            return refusal(400, "'$.input' is invalid")
        }
        var length = length
        let dimensions = root["dimensions"]?.int64.map { Int($0) }
        if let dimensions {
            guard canShorten, dimensions <= length else {
                return refusal(400, "This model does not support specifying dimensions.")
            }
            length = dimensions
        }
        state.withLock { $0.seen.append(Seen(texts: texts, dimensions: dimensions)) }
        var writer = JSONWriter()
        writer.object { object in
            object.member("object", "list")
            object.key("data")
            object.array { list in
                for (index, text) in texts.enumerated().reversed() {
                    list.object {
                        $0.member("object", "embedding")
                        $0.member("index", index)
                        $0.key("embedding")
                        $0.array { for value in Self.vector(of: text, length: length) { $0.double(Double(value)) } }
                    }
                }
            }
            object.member("model", Self.model)
        }
        return httpAnswer(body: String(decoding: writer.bytes, as: UTF8.self))
    }

    private func refusal(_ status: Int, _ message: String) -> String {
        httpAnswer(status, body: #"{"error":{"message":"\#(message)","type":"invalid_request_error"}}"#)
    }
}
