import ActionModel
import EventModel
import JSONTree
import Outbound
import Runtime
import Synchronization
import TestKit
import Testing

@Suite("Asking a language model")
struct LLMActionTests {
    private static let key = "sk-the-installations-key"
    private static let schema = #"{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}"#

    /// A service that streams what the script says to the number of a request, from 0.
    private func withModel(
        _ script: @escaping @Sendable (Int, LoopbackRequest) -> String, ledger: (any ModelLedger)? = nil,
        _ body: (ActionSender, @escaping @Sendable () -> [LoopbackRequest]) async throws -> Void
    ) async throws {
        let seen = SeenRequests()
        try await withLoopbackServer({ connection in
            connection.answerAll { request in script(seen.note(request), request) }
        }) { server in
            let sender = try ActionSender(
                allowing: [], telegramAPIBase: "http://127.0.0.1:1",
                languageModel: ModelSettings(
                    baseURL: "http://127.0.0.1:\(server.port)/v1", apiKey: Self.key, model: "m-1"),
                ledger: ledger, logger: testLogger)
            try await body(sender) { seen.all }
        }
    }

    private func ask(_ sender: ActionSender, _ config: String) async throws -> SentAttempt {
        await sender.send(
            try makeAction(#"{"type":"llm","config":\#(config)}"#), for: try makeFiring(), deliveryID: .generate())
    }

    static func streamed(_ text: String, finish: String = "stop") -> String {
        var writer = JSONWriter()
        writer.string(text)
        let content = String(decoding: writer.bytes, as: UTF8.self)
        return httpAnswer(
            headers: ["content-type: text/event-stream"],
            body: """
                data: {"choices":[{"delta":{"content":\(content)}}]}

                data: {"choices":[{"delta":{},"finish_reason":"\(finish)"}]}

                data: {"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":5}}

                data: [DONE]


                """)
    }

    @Test("The operator's address is reached although it is private, with the operator's key")
    func asking() async throws {
        try await withModel({ _, _ in Self.streamed("<think>a</think>It is <b>.") }) { sender, seen in
            let sent = try await ask(sender, #"{"prompt":"{{data.customer.name}}?","emit_event_type":"Said"}"#)
            #expect(sent.result.verdict(.llm) == .succeeded)
            let request = try #require(seen().first)
            #expect(request.line == "POST /v1/chat/completions HTTP/1.1")
            #expect(request.headers["authorization"] == "Bearer \(Self.key)")
            let asked = try JSONDocument(request.body).root
            #expect(asked["messages"]?[0]?["content"]?.string == "Alice?" && asked["model"]?.string == "m-1")
            let said = try JSONDocument(sent.result.responseExcerpt).root
            #expect(said["answer"]?.string == "It is <b>." && said["thinking"]?.string == "a")
            #expect(said["usage"]?["completion_tokens"]?.int64 == 5)
            let event = try #require(sent.event)
            #expect(event.type == "Said" && String(decoding: event.data, as: UTF8.self) == #"{"text":"It is <b>."}"#)
            #expect(!"\(sent)".contains(Self.key) && !"\(sent)".contains("127.0.0.1"))
        }
    }

    @Test("An answer that does not fit is mended once")
    func mending() async throws {
        let config = #"{"prompt":"x","response_schema":\#(Self.schema)}"#
        try await withModel({ count, _ in Self.streamed(count == 0 ? #"{"n":"1"}"# : #"{"n":1}"#) }) { sender, seen in
            let sent = try await ask(sender, config)
            #expect(sent.result.verdict(.llm) == .succeeded && seen().count == 2)
            #expect(sent.result.responseExcerpt.contains(#""repaired":true"#))
            #expect(sent.result.responseExcerpt.contains(#""completion_tokens":10"#))
        }
        try await withModel({ _, _ in Self.streamed("never") }) { sender, seen in
            let sent = try await ask(sender, config)
            #expect(seen().count == 2 && sent.result.failure == .unusableAnswer && sent.event == nil)
            #expect(sent.result.verdict(.llm) == .dead(reason: sent.result.error ?? ""))
            #expect(sent.result.error?.contains("does not fit the schema") == true)
            #expect(sent.result.responseExcerpt.contains("never"))
        }
    }

    @Test("What a service refuses is judged by its kind, and shows nothing of the operator's")
    func refusals() async throws {
        for (status, headers, body, verdict) in [
            (429, ["retry-after: 7"], #"{"error":{"message":"slow"}}"#, DeliveryVerdict.retry(afterSeconds: 7)),
            (503, [], "", .retry(afterSeconds: nil)),
            (400, [], #"{"error":{"message":"too long"}}"#, .dead(reason: "the receiver answered 400: too long")),
            (
                401, [], #"{"error":{"message":"Incorrect API key provided: \#(Self.key)"}}"#,
                .dead(reason: "the receiver answered 401: the language model refuses the installation's API key")
            ),
        ] {
            try await withModel({ _, _ in httpAnswer(status, headers: headers, body: body) }) { sender, _ in
                let sent = try await ask(sender, #"{"prompt":"x"}"#)
                #expect(sent.result.verdict(.llm) == verdict)
                #expect(!"\(sent)".contains(Self.key))
            }
        }
        try await withRefusingPort { port in
            let sender = try ActionSender(
                allowing: [], telegramAPIBase: "http://127.0.0.1:1",
                languageModel: ModelSettings(baseURL: "http://127.0.0.1:\(port)"), logger: testLogger)
            let sent = try await ask(sender, #"{"prompt":"x"}"#)
            #expect(sent.result.failure == .connection && sent.result.error == "the language model can't be reached")
        }
    }

    @Test("An answer that breaks off, or reports an error, is tried again")
    func broken() async throws {
        for body in ["data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n", "data: {\"error\":\"busy\"}\n\n"] {
            try await withModel({ _, _ in httpAnswer(body: body) }) { sender, _ in
                let sent = try await ask(sender, #"{"prompt":"x"}"#)
                #expect(sent.result.failure == .response && sent.result.verdict(.llm) == .retry(afterSeconds: nil))
            }
        }
    }

    @Test("Without a model, or for a chain that is too deep, nobody is asked")
    func unasked() async throws {
        let sent = try await ask(makeSender(), #"{"prompt":"x"}"#)
        #expect(sent.result.failure == .invalidRequest && sent.result.error?.contains("LLM_BASE_URL") == true)
        try await withModel({ _, _ in Self.streamed("x") }) { sender, seen in
            let deep = try makeFiring(metadata: #"{"cause":{"event_id":"x"},"depth":8}"#)
            let action = try makeAction(#"{"type":"llm","config":{"prompt":"x","emit_event_type":"E"}}"#)
            let sent = await sender.send(action, for: deep, deliveryID: .generate())
            #expect(sent.result.error?.contains("depth 9 is over 8") == true && seen().isEmpty)
        }
    }

    @Test("What is used is booked, what is not is given back, and a budget that is used up puts off")
    func account() async throws {
        let ledger = MemoryLedger()
        try await withModel({ count, _ in count == 0 ? Self.streamed("x") : httpAnswer(500) }, ledger: ledger) {
            sender, seen in
            _ = try await ask(sender, #"{"prompt":"x","max_tokens":100}"#)
            #expect(ledger.use.usage.promptTokens == 11 && ledger.use.usage.completionTokens == 5)
            #expect(ledger.setAside == 0 && ledger.use.requests == 1 && ledger.use.microseconds > 0)
            _ = try await ask(sender, #"{"prompt":"x"}"#)
            #expect(ledger.setAside == 0 && ledger.use.usage.promptTokens == 11 && ledger.use.requests == 2)
            ledger.exhaust()
            let sent = try await ask(sender, #"{"prompt":"x"}"#)
            #expect(sent.putOff?.delay == .seconds(60) && sent.putOff?.reason == "used up" && seen().count == 2)
        }
    }

    @Test("Equal questions are answered once when the action says so, and others are others")
    func cache() async throws {
        let ledger = MemoryLedger()
        try await withModel({ _, _ in Self.streamed("x") }, ledger: ledger) { sender, seen in
            for _ in 0..<3 { _ = try await ask(sender, #"{"prompt":"{{data.amount}}","cache":"1h"}"#) }
            #expect(seen().count == 1)
            let again = try await ask(sender, #"{"prompt":"{{data.amount}}","cache":"1h","emit_event_type":"E"}"#)
            #expect(again.result.responseExcerpt.contains(#""cached":true"#) && again.event != nil)
            for other in [#""model":"n""#, #""temperature":1"#, #""response_schema":{"type":"object"}"#] {
                _ = try await ask(sender, #"{"prompt":"{{data.amount}}","cache":"1h",\#(other)}"#)
            }
            #expect(seen().count == 5)
            _ = try await ask(sender, #"{"prompt":"{{data.amount}}"}"#)
            #expect(seen().count == 6)
        }
    }
}

/// Requests as they came.
final class SeenRequests: Sendable {
    private let requests = Mutex<[LoopbackRequest]>([])

    var all: [LoopbackRequest] { requests.withLock { $0 } }

    /// Notes a request, and tells how many came before it.
    func note(_ request: LoopbackRequest) -> Int {
        requests.withLock {
            $0.append(request)
            return $0.count - 1
        }
    }
}

/// An account in memory.
private final class MemoryLedger: ModelLedger {
    private struct State {
        var use = ModelUse()
        var setAside: Int64 = 0
        var isExhausted = false
        var kept: [[UInt8]: LLMAnswer] = [:]
    }
    private let state = Mutex(State())

    var use: ModelUse { state.withLock { $0.use } }
    var setAside: Int64 { state.withLock { $0.setAside } }

    func exhaust() {
        state.withLock { $0.isExhausted = true }
    }

    func reserve(tokens: Int64, organizationID: UniqueID) async throws -> BudgetDecision {
        state.withLock { state in
            guard !state.isExhausted else {
                return .exhausted(reason: "used up", renewedAfterMicroseconds: 60_000_000)
            }
            state.setAside += tokens
            return .granted(day: 7)
        }
    }

    func settle(_ use: ModelUse, released: Int64, day: Int64, organizationID: UniqueID) async throws {
        #expect(day == 7)
        state.withLock { state in
            state.use.requests += use.requests
            state.use.usage = state.use.usage + use.usage
            state.use.microseconds += use.microseconds
            state.setAside -= released
        }
    }

    func keptAnswer(_ key: [UInt8], organizationID: UniqueID) async throws -> LLMAnswer? {
        state.withLock { $0.kept[key] }
    }

    func keep(_ answer: LLMAnswer, for time: TimeSpan, key: [UInt8], organizationID: UniqueID) async throws {
        #expect(key.count == 32 && time == TimeSpan("1h"))
        state.withLock { $0.kept[key] = answer }
    }
}
