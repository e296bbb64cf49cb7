import EmbeddingSource
import EventModel
import FrameModel
import JSONTree
import Logging
import Runtime
import ServiceLifecycle
import TestKit
import Testing
import TextModel

@Suite("The embedding endpoint")
struct EndpointEmbedderTests {
    private func event(_ text: String, type: String = "Note") throws -> ParsedEvent {
        var data = JSONWriter()
        data.object { $0.member("text", text) }
        return try ParsedEvent(
            Event(
                id: UniqueID(high: 1, low: 1), organizationID: UniqueID(high: 0, low: 1), part: 0, position: 1,
                type: type, source: "", subject: nil, time: Timestamp(microseconds: 0),
                receivedAt: Timestamp(microseconds: 0), producerID: nil, traceparent: nil, data: data.bytes))
    }

    private func events(_ count: Int, from first: Int = 0) throws -> [ParsedEvent] {
        try (first..<first + count).map { try event("text number \($0)") }
    }

    /// Lends an embedder at work on a fake endpoint.
    private func withEmbedder(
        _ fake: FakeEndpoint, model: String = FakeEndpoint.model, key: String? = FakeEndpoint.key,
        _ change: (inout EndpointEmbedder.Limits) -> Void = { _ in },
        _ body: (EndpointEmbedder) async throws -> Void
    ) async throws {
        var limits = EndpointEmbedder.Limits()
        // Long enough that no machine is too slow for it; tests that wait in vain set it themselves.
        limits.patience = .seconds(20)
        limits.retryPause = .milliseconds(1)
        limits.pauses = (.milliseconds(1), .milliseconds(20))
        change(&limits)
        try await withLoopbackServer({ fake.serve($0) }) { server in
            let settings = ModelSettings(baseURL: "http://127.0.0.1:\(server.port)/v1", apiKey: key, model: model)
            let embedder = try #require(try EndpointEmbedder(settings, limits: limits, logger: quiet))
            let group = ServiceGroup(services: [embedder], logger: quiet)
            async let running: Void = group.run()
            do {
                try await body(embedder)
            } catch {
                await group.triggerGracefulShutdown()
                try await running
                throw error
            }
            await group.triggerGracefulShutdown()
            try await running
        }
    }

    private var quiet: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }

    private func cosine(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

    @Test("Vectors come back in their order, at length 1, in batches")
    func embeds() async throws {
        let fake = FakeEndpoint()
        try await withEmbedder(fake) { embedder in
            let events = try events(150)
            let embeddings = await embedder.embed(events)
            #expect(embeddings.allSatisfy { $0.origin == .model && $0.values.count == 8 })
            for (index, embedding) in embeddings.enumerated() {
                let expected = FakeEndpoint.vector(of: "Note\ntext number \(index)", length: 8)
                let length = cosine(expected, expected).squareRoot()
                #expect(abs(cosine(embedding.values, expected) / length - 1) < 1e-5)
                #expect(abs(cosine(embedding.values, embedding.values) - 1) < 1e-5)
            }
            #expect(fake.seen.count == 3 && fake.seen.allSatisfy { $0.texts.count <= 64 })
        }
    }

    @Test("Requests go side by side, as many as are allowed and no more")
    func concurrency() async throws {
        let fake = FakeEndpoint()
        fake.usually(.together(3))
        try await withEmbedder(fake, { ($0.concurrency, $0.batch) = (3, 10) }) { embedder in
            let embeddings = await embedder.embed(try events(100))
            #expect(embeddings.allSatisfy { $0.origin == .model })
            #expect(fake.mostUnderWay == 3 && fake.seen.count == 10)
        }
    }

    @Test("A text is asked for once, whoever has it and how often")
    func caches() async throws {
        let fake = FakeEndpoint()
        try await withEmbedder(fake) { embedder in
            let twice = try events(5) + events(5)
            async let one = embedder.embed(twice)
            async let other = embedder.embed(twice)
            let (first, second) = await (one, other)
            #expect(first == second)
            #expect(await embedder.embed(twice) == first)
            #expect(fake.seen.flatMap(\.texts).count == 5)
        }
    }

    @Test("The cache is bounded")
    func boundedCache() async throws {
        let fake = FakeEndpoint()
        try await withEmbedder(fake, { $0.cached = 4 }) { embedder in
            _ = await embedder.embed(try events(1))
            for first in 1..<10 { _ = await embedder.embed(try events(1, from: first)) }
            _ = await embedder.embed(try events(1))
            #expect(fake.seen.flatMap(\.texts).count { $0.hasSuffix("number 0") } == 2)
        }
    }

    @Test("What is busy is asked again", arguments: [429, 500, 503])
    func retries(status: Int) async throws {
        let fake = FakeEndpoint()
        fake.next([.answer(status, headers: ["retry-after: 0"]), .answer(status)])
        try await withEmbedder(fake) { embedder in
            let made = await embedder.embed(try events(3))
            #expect(made.allSatisfy { $0.origin == .model })
        }
    }

    @Test(
        "An answer that is none is asked for again",
        arguments: [
            "", "{}", "[]", #"{"data":[]}"#, #"{"data":[{"index":1,"embedding":[1]}]}"#,
            #"{"data":[{"index":0,"embedding":[]}]}"#, #"{"data":[{"index":0,"embedding":["a"]}]}"#,
            #"{"data":[{"index":0,"embedding":null}]}"#, #"{"data":[{"embedding":[1]}]}"#,
        ])
    func malformed(body: String) async throws {
        let fake = FakeEndpoint()
        fake.next([.answer(200, body: body)])
        try await withEmbedder(fake) { embedder in
            let embeddings = await embedder.embed(try events(1))
            #expect(embeddings.map(\.origin) == [.model])
        }
    }

    @Test("One text that is refused costs its own embedding and no other, and is not sent again")
    func refusedText() async throws {
        let fake = FakeEndpoint(poison: "Note\npoison")
        try await withEmbedder(fake) { embedder in
            let all = try events(20) + [event("poison")] + events(20, from: 20)
            for _ in 0..<2 {
                let embeddings = await embedder.embed(all)
                #expect(embeddings.indices.filter { embeddings[$0].origin == .standIn } == [20])
                #expect(embeddings[20].values == LexicalEmbedder().vector(of: all[20]))
            }
            #expect(fake.seen.flatMap(\.texts).count == 40)
        }
    }

    @Test("Frames go on with the lexical embedding where the endpoint refuses all", arguments: [401, 403, 404, 400])
    func denied(status: Int) async throws {
        let fake = FakeEndpoint()
        fake.usually(.answer(status))
        try await withEmbedder(fake) { embedder in
            let events = try events(40)
            let embeddings = await embedder.embed(events)
            #expect(embeddings.allSatisfy { $0.origin == .standIn })
            #expect(embeddings.map(\.values) == events.map { LexicalEmbedder().vector(of: $0) })
        }
    }

    @Test(
        "A wrong key or model is as good as no endpoint",
        arguments: [("other", FakeEndpoint.key), (FakeEndpoint.model, "x")])
    func wrongSettings(model: String, key: String) async throws {
        let fake = FakeEndpoint()
        try await withEmbedder(fake, model: model, key: key) { embedder in
            let made = await embedder.embed(try events(2))
            #expect(made.allSatisfy { $0.origin == .standIn })
            #expect(fake.seen.isEmpty)
        }
    }

    @Test("Who hangs is not waited for, and once more not at all")
    func hangs() async throws {
        let fake = FakeEndpoint()
        fake.usually(.hang)
        try await withEmbedder(fake, { $0.patience = .milliseconds(20) }) { embedder in
            // Without the bound this would take the request's time limit, three times each.
            for first in 0..<200 {
                let made = await embedder.embed(try events(3, from: first * 3))
                #expect(made.allSatisfy { $0.origin == .standIn })
            }
        }
    }

    @Test("What comes too late is there the next time, and an endpoint that is back is used again")
    func comesBack() async throws {
        let fake = FakeEndpoint()
        fake.usually(.answer(503))
        try await withEmbedder(fake) { embedder in
            let events = try events(3)
            #expect(await embedder.embed(events).allSatisfy { $0.origin == .standIn })
            fake.usually(.well)
            var origins: Set<Embedding.Origin> = []
            // Tried again by the next event that needs it, when the pause is over; nobody waits for that.
            while !origins.contains(.model) {
                origins = Set(await embedder.embed(events).map(\.origin))
                try await Task.sleep(for: .milliseconds(2))
            }
            #expect(await embedder.embed(events).allSatisfy { $0.origin == .model })
        }
    }

    @Test("A model with vectors too long for a frame is asked for shorter ones")
    func shortens() async throws {
        let fake = FakeEndpoint(length: 1_536, canShorten: true)
        try await withEmbedder(fake) { embedder in
            let embeddings = await embedder.embed(try events(200))
            #expect(embeddings.allSatisfy { $0.origin == .model && $0.values.count == 1_024 })
            _ = await embedder.embed(try events(1, from: 500))
            #expect(fake.seen.last?.dimensions == 1_024)
        }
    }

    @Test("A model that can't make them shorter is not used")
    func tooLong() async throws {
        try await withEmbedder(FakeEndpoint(length: 1_025)) { embedder in
            let made = await embedder.embed(try events(40))
            #expect(made.allSatisfy { $0.origin == .standIn })
        }
    }

    @Test("A long text is cut between two characters", arguments: ["", "x", "xx", "xxx"])
    func cutsText(beginning: String) async throws {
        let fake = FakeEndpoint()
        try await withEmbedder(fake) { embedder in
            let long = beginning + String(repeating: "é€😀", count: 1_000)
            #expect(await embedder.embed([try event(long)]).map(\.origin) == [.model])
            let sent = try #require(fake.seen.first?.texts.first)
            #expect("Note\n\(long)".hasPrefix(sent) && (2_045...2_048).contains(sent.utf8.count))
        }
    }

    @Test("An endpoint without a model stops the start, and no endpoint is none")
    func settings() throws {
        #expect(throws: ConfigurationError.self) {
            _ = try EndpointEmbedder(ModelSettings(baseURL: "http://localhost/v1"), logger: quiet)
        }
        #expect(try EndpointEmbedder(ModelSettings(model: "m"), logger: quiet) == nil)
    }

    @Test("The built-in embedder has one embedding for each event, in order")
    func builtIn() async throws {
        let embedder: any Embedder = BuiltInEmbedder()
        let events = try events(3)
        let embeddings = await embedder.embed(events)
        #expect(embeddings == events.map { Embedding(LexicalEmbedder().vector(of: $0), origin: .lexical) })
    }
}
