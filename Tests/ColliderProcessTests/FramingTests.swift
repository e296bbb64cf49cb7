import EmbeddingSource
import EventModel
import EventStore
import FrameModel
import FrameRing
import Glibc
import Logging
import PostgresWire
import Runtime
import ServiceLifecycle
import TestKit
import Testing

@testable import ColliderProcess

@Suite("Framing the log")
struct FramingTests {
    @Test("A ring that is deleted and written again holds the same frames, but for how long they took")
    func replay() async throws {
        try await withLog { log in
            try await log.append(log.mixedEvents(400))
            let first = try await log.frames(capacity: 1_000)
            #expect(first.count == 400)
            #expect(Set(first.map(\.flags)).count > 2 && Set(first.map(\.fillRate)).count > 3)
            #expect(first.contains { $0.velocity > 1 } && first.contains { $0.deltaTime != 0 })
            log.removeRing()
            let second = try await log.frames(capacity: 1_000)
            #expect(first.map(\.comparable) == second.map(\.comparable))
        }
    }

    @Test("So it is with a writer that is started again in the middle")
    func restart() async throws {
        try await withLog { log in
            let events = log.mixedEvents(300)
            try await log.append(Array(events[..<140]))
            _ = try await log.frames(capacity: 1_000)
            try await log.append(Array(events[140...]))
            let inTwo = try await log.frames(capacity: 1_000)
            log.removeRing()
            #expect(try await log.frames(capacity: 1_000).map(\.comparable) == inTwo.map(\.comparable))
        }
    }

    @Test("A ring that begins in the middle of the log has the frames that one from the beginning has")
    func smallRing() async throws {
        try await withLog { log in
            try await log.append(log.mixedEvents(500))
            let all = try await log.frames(capacity: 1_000)
            log.removeRing()
            let last = try await log.frames(capacity: 100)
            #expect(last.count == 100 && last.map(\.comparable) == all.suffix(100).map(\.comparable))
        }
    }

    @Test("So has a large ring whose writer died after its first frame")
    func deadAfterOneFrame() async throws {
        try await withLog { log in
            try await log.append(log.mixedEvents(300))
            let all = try await log.frames(capacity: 1_000)
            log.removeRing()
            try log.leaveRing(of: [all[289]], capacity: 10_000, at: 290)
            let rest = try await log.frames(capacity: 10_000, expecting: 11)
            #expect(rest.map(\.comparable) == all.suffix(11).map(\.comparable))
        }
    }

    @Test("While the endpoint hangs, every event gets its frame, with the lexical embedding and a flag")
    func endpointAway() async throws {
        try await withLog { log in
            try await log.append(log.mixedEvents(50))
            try await withLoopbackServer({ $0.waitForEnd() }) { server in
                let settings = ModelSettings(baseURL: "http://127.0.0.1:\(server.port)/v1", model: "m")
                var limits = EndpointEmbedder.Limits()
                limits.patience = .milliseconds(10)
                let endpoint = try #require(try EndpointEmbedder(settings, limits: limits, logger: quiet))
                let frames = try await log.frames(capacity: 100, embedder: endpoint, with: [endpoint])
                #expect(frames.count == 50)
                let embedded = frames.filter { !$0.semantic.isEmpty }
                #expect(embedded.allSatisfy { $0.flags.contains([.lexicalEmbedding, .standInEmbedding]) })
                log.removeRing()
                let lexical = try await log.frames(capacity: 100)
                #expect(lexical.map(\.semantic) == frames.map(\.semantic))
                #expect(lexical.allSatisfy { !$0.flags.contains(.standInEmbedding) })
            }
        }
    }

    @Test("Which event was the first to have a field is noted once, by whichever writer")
    func fields() async throws {
        try await withLog { log in
            let event = { (data: String) in LogFixture.NewData(type: "T", subject: nil, data: data) }
            try await log.append([event(#"{"a":1}"#), event(#"{"a":1,"b":1}"#), event(#"{"b":1}"#)])
            #expect(try await log.frames(capacity: 100).map(\.fillRate) == [1, 1, 0.5])
            let store = FieldStore(pool: log.pipeline)
            let key = FieldKey(try #require(try await log.reader.read(part: log.part, after: 0, limit: 1).first))
            let births = try await store.load([key])
            #expect(Dictionary(uniqueKeysWithValues: births.map { ($0.path, $0.position) }) == ["a": 1, "b": 2])
            try await store.note([.init(key: key, path: "b", position: 7), .init(key: key, path: "a", position: 1)])
            #expect(try await store.load([key]).count == 2)
            #expect(try await store.load([key]).contains { $0.path == "b" && $0.position == 2 })
        }
    }
}

extension Frame {
    /// All of it but its number and how long it took.
    fileprivate var comparable: Frame {
        var frame = self
        frame.id = 0
        frame.durationMilliseconds = 0
        return frame
    }
}

private var quiet: Logger {
    var logger = testLogger
    logger.logLevel = .critical
    return logger
}

/// A log of one organization, and a place for a ring.
private struct LogFixture: Sendable {
    struct NewData {
        let type: String
        let subject: String?
        let data: String
    }

    let database: PostgresConfiguration
    let gateway: PostgresPool
    let pipeline: PostgresPool
    let organization: UniqueID
    let ring: String
    private let start = Timestamp(microseconds: Timestamp.now().microseconds - 3_600_000_000)

    var part: Int16 { LogPart.part(of: organization) }
    var reader: LogReader { LogReader(pool: pipeline) }

    /// Several types and conversations, with fields, texts and sentiments that come and go.
    func mixedEvents(_ count: Int) -> [NewData] {
        (0..<count).map { number in
            let text = ["the order is great", "payment failed", "table", "not good"][number % 4]
            var members = [#""n":\#(number)"#, #""text":"\#(text) \#(number % 7)""#]
            if number.isMultiple(of: 5) { members.append(#""sentiment":0.5"#) }
            if number.isMultiple(of: 11) { members.append(#""extra\#(number % 3)":{"deep":[1]}"#) }
            let subject = number.isMultiple(of: 9) ? nil : "user-\(number % 6)"
            return NewData(type: "Type\(number % 3)", subject: subject, data: "{\(members.joined(separator: ","))}")
        }
    }

    func append(_ events: [NewData]) async throws {
        let head = try await reader.heads().first { $0.part == part }?.head ?? 0
        let new = events.enumerated().map { index, event in
            // Two a second, so that velocity and time between events have something to say.
            let time = Timestamp(microseconds: start.microseconds + (head + Int64(index)) * 500_000)
            return (
                organization,
                NewEvent(
                    id: .generate(at: time), receivedAt: time,
                    envelope: EventEnvelope(type: event.type, subject: event.subject, data: Array(event.data.utf8)))
            )
        }
        try await gateway.withTransaction { try await DerivedEvents().append(new, on: $0) }
    }

    /// Lets a writer work until it has framed the log, and reads the ring.
    func frames(
        capacity: Int, expecting count: Int? = nil, embedder: any Embedder = BuiltInEmbedder(),
        with services: [any Service] = []
    ) async throws -> [Frame] {
        let settings = DatabaseSettings(
            host: database.host, port: database.port, name: database.database, user: database.user, password: nil)
        let wakeUps = WakeUps(
            settings, role: .pipeline, channels: [.newEvent], interval: .milliseconds(5), logger: quiet)
        let framing = Framing(
            ring: try RingWriter(path: ring, capacity: capacity, layout: .full, now: .now()), log: reader,
            report: PositionReport(ring: ring), fields: FieldStore(pool: pipeline), embedder: embedder,
            wakeUps: wakeUps, logger: quiet)
        let group = ServiceGroup(services: services + [wakeUps, framing], logger: quiet)
        async let running: Void = group.run()
        let head = try await reader.heads().first { $0.part == part }?.head ?? 0
        let reading = try RingReader(path: ring)
        let expected = count.map { Int64($0) } ?? min(head, Int64(capacity))
        while Int64(reading.status.head) < expected { try await Task.sleep(for: .milliseconds(2)) }
        await group.triggerGracefulShutdown()
        try await running
        return reading.read(upTo: capacity)
    }

    /// Leaves a ring behind with some frames, the last of which is that of the event at a position.
    func leaveRing(of frames: [Frame], capacity: Int, at position: Int64) throws {
        let writer = try RingWriter(path: ring, capacity: capacity, layout: .full, now: .now())
        for frame in frames { writer.write(frame) }
        try writer.save([part: position])
    }

    func removeRing() {
        for suffix in ["", ".lock", ".positions"] { unlink(ring + suffix) }
    }
}

private func withLog(_ body: (LogFixture) async throws -> Void) async throws {
    try await withMigratedDatabase { database in
        func pool(_ role: String?) -> PostgresPool {
            var configuration = database
            configuration.role = role
            return PostgresPool(configuration: configuration, size: 3, logger: testLogger)
        }
        let organization = UniqueID.generate()
        _ = try await pool(nil).query(
            PostgresStatement("test_organization", "INSERT INTO organizations (id, name) VALUES ($1, 'test')"),
            [.uuid(organization)])
        let fixture = LogFixture(
            database: database, gateway: pool("collider_gateway"), pipeline: pool("collider_pipeline"),
            organization: organization, ring: "/dev/shm/collider-framing-\(getpid())-\(organization)")
        defer { fixture.removeRing() }
        try await body(fixture)
    }
}
