import EventModel
import EventStore
import JSONTree
import PostgresWire
import Runtime
import Synchronization
import TestKit
import Testing

@Suite("The log")
struct LogTests {
    private static func event(
        _ number: Int, type: String = "Test", id: String? = nil, data: String? = nil
    ) -> NewEvent {
        let now = Timestamp.now()
        return NewEvent(
            id: .generate(at: now), receivedAt: now,
            envelope: EventEnvelope(
                type: type, source: "tests", producerID: id, data: Array((data ?? #"{"n":\#(number)}"#).utf8)))
    }

    /// Runs a group commit beside the body and stops it gracefully afterwards.
    private static func withGroupCommit<R>(
        _ pool: PostgresPool, limits: GroupCommit.Limits = .init(), _ body: (GroupCommit) async throws -> R
    ) async throws -> R {
        let commit = GroupCommit(pool: pool, limits: limits, logger: testLogger)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await commit.run() }
            defer { group.cancelAll() }
            return try await body(commit)
        }
    }

    @Test("Positions of a part are gapless and in the order of commits under concurrent appends")
    func gaplessPositions() async throws {
        try await withStores { stores in
            try await Self.withGroupCommit(stores.gateway) { commit in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for writer in 0..<16 {
                        group.addTask {
                            for number in 0..<25 {
                                let outcomes = try await commit.append(
                                    [Self.event(writer * 100 + number)], organizationID: stores.organization)
                                guard case .stored = outcomes[0] else {
                                    Issue.record("not stored: \(outcomes[0])")
                                    return
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            let reader = LogReader(pool: stores.pipeline)
            let part = LogPart.part(of: stores.organization)
            let events = try await reader.read(part: part, after: 0, limit: 1_000)
            #expect(events.map(\.position) == Array(1...400).map(Int64.init))
            #expect(Set(events.map(\.id)).count == 400)
            #expect(try await reader.heads().first { $0.part == part }?.head == 400)
        }
    }

    @Test("A producer's id is stored once: repeats get the first id, other content is a conflict")
    func repeats() async throws {
        try await withStores { stores in
            try await Self.withGroupCommit(stores.gateway) { commit in
                let first = try await commit.append(
                    [Self.event(1, id: "a"), Self.event(1, id: "a"), Self.event(2, id: "a"), Self.event(3)],
                    organizationID: stores.organization)
                guard case .stored(let id, let time) = first[0] else {
                    Issue.record("not stored: \(first[0])")
                    return
                }
                #expect(first[1] == .duplicate(id: id, receivedAt: time))
                #expect(first[2] == .conflict(id: id))
                // jsonb compares values: other spacing is the same content.
                let later = try await commit.append(
                    [Self.event(1, id: "a", data: #"{ "n" : 1.0 }"#), Self.event(9, id: "a")],
                    organizationID: stores.organization)
                #expect(later == [.duplicate(id: id, receivedAt: time), .conflict(id: id)])
                let other = try await stores.makeOrganization()
                let foreign = try await commit.append([Self.event(5, id: "a")], organizationID: other)
                guard case .stored = foreign[0] else {
                    Issue.record("another organization's id is not a repeat")
                    return
                }
            }
        }
    }

    @Test("A lost connection in the middle of commits leaves each acknowledged event stored exactly once")
    func lostConnections() async throws {
        try await withStores { stores in
            let ledger = Ledger()
            try await Self.withGroupCommit(stores.gateway) { commit in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for writer in 0..<8 {
                        group.addTask {
                            for number in 0..<40 {
                                let event = Self.event(writer * 100 + number)
                                _ = try await commit.append([event], organizationID: stores.organization)
                                ledger.acknowledged.withLock { _ = $0.insert(event.id) }
                            }
                        }
                    }
                    group.addTask {
                        while ledger.acknowledged.withLock({ $0.count }) < 300 {
                            try await stores.owner.query(Self.killGateways)
                            // Rarely enough for commits to get through in between.
                            try await Task.sleep(for: .milliseconds(50))
                        }
                    }
                    try await group.waitForAll()
                }
            }
            let events = try await LogReader(pool: stores.pipeline).read(
                part: LogPart.part(of: stores.organization), after: 0, limit: 1_000)
            #expect(events.count == 320)
            #expect(Set(events.map(\.id)) == ledger.acknowledged.withLock { $0 })
            #expect(events.map(\.position) == Array(1...320).map(Int64.init))
        }
    }

    private static let killGateways = PostgresStatement(
        "test_kill",
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE '%append_events%' AND pid <> pg_backend_pid()
        """)

    @Test("A full queue refuses at once, and a stopped one takes nothing")
    func bounds() async throws {
        try await withStores { stores in
            var limits = GroupCommit.Limits()
            limits.queuedEvents = 2
            let idle = GroupCommit(pool: stores.gateway, limits: limits, logger: testLogger)
            try await withThrowingTaskGroup(of: [AppendOutcome].self) { group in
                for number in 0..<8 {
                    group.addTask {
                        try await idle.append([Self.event(number)], organizationID: stores.organization)
                    }
                }
                var refused = 0
                while refused < 6 {
                    do {
                        _ = try await group.next()
                    } catch let error as EventStoreError {
                        #expect(error.code == .overloaded)
                        refused += 1
                    }
                }
                // What was taken is committed once somebody runs the queue.
                let runner = Task { try await idle.run() }
                for _ in 0..<2 { #expect(try await group.next()?.count == 1) }
                runner.cancel()
            }
        }
    }

    @Test("Lists page through the log without a gap or a repeat while events come in")
    func pages() async throws {
        try await withStores { stores in
            try await Self.withGroupCommit(stores.gateway) { commit in
                let reader = EventReader(pool: stores.gateway)
                _ = try await commit.append(
                    (0..<25).map { Self.event($0, type: $0 % 5 == 0 ? "Fifth" : "Test") },
                    organizationID: stores.organization)
                for order in EventOrder.allCases {
                    var seen: [UniqueID] = []
                    while true {
                        let page = try await reader.list(
                            organizationID: stores.organization, filter: EventFilter(), order: order, limit: 10,
                            after: seen.last?.description)
                        seen += page.events.map(\.id)
                        if order == .descending {
                            _ = try await commit.append([Self.event(99)], organizationID: stores.organization)
                        }
                        if page.events.count < 10 { break }
                    }
                    #expect(Set(seen).count == seen.count)
                    #expect(seen.count == 25)
                }
                let fifths = try await reader.list(
                    organizationID: stores.organization, filter: EventFilter(type: "Fifth"), order: .ascending,
                    limit: 100, after: nil)
                #expect(fifths.events.count == 5 && fifths.events.allSatisfy { $0.type == "Fifth" })
                let one = try #require(fifths.events.first)
                #expect(try await reader.event(one.id, organizationID: stores.organization) == one)
                let other = try await stores.makeOrganization()
                #expect(try await reader.event(one.id, organizationID: other) == nil)
                await #expect(throws: EventStoreError.self) {
                    try await reader.list(
                        organizationID: stores.organization, filter: EventFilter(), order: .ascending, limit: 1,
                        after: "nonsense")
                }
            }
        }
    }

    @Test("Four followers whose connections are killed work on every event exactly once")
    func followers() async throws {
        try await withStores { stores in
            try await Self.withGroupCommit(stores.gateway) { commit in
                for batch in 0..<20 {
                    _ = try await commit.append(
                        (0..<50).map { Self.event(batch * 50 + $0) }, organizationID: stores.organization)
                }
            }
            try await stores.owner.query(
                PostgresStatement("test_table", "CREATE TABLE worked (id uuid, position bigint)"))
            try await stores.owner.query(PostgresStatement("test_grant", "GRANT ALL ON worked TO collider_pipeline"))
            let note = PostgresStatement(
                "test_note", "INSERT INTO worked SELECT * FROM unnest($1::uuid[], $2::bigint[])")
            let ledger = Ledger()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        let follower = LogFollower(pool: stores.pipeline, follower: "test", batchLimit: 7)
                        while !ledger.isDone.load(ordering: .relaxed) {
                            // A killed connection undoes its batch; the next round does it again.
                            _ = try? await follower.processNext { batch in
                                try await batch.session.query(
                                    note, [.uuids(batch.events.map(\.id)), .int8s(batch.events.map(\.position))])
                            }
                        }
                    }
                }
                group.addTask {
                    let lag = FollowerLag(pool: stores.owner, follower: "test")
                    while try await lag.events() > 0 {
                        try await stores.owner.query(Self.killFollowers)
                        // Rarely enough for batches to get through in between.
                        try await Task.sleep(for: .milliseconds(30))
                    }
                    ledger.isDone.store(true, ordering: .relaxed)
                }
                try await group.waitForAll()
            }
            let rows = try await stores.owner.query(
                PostgresStatement("test_worked", "SELECT count(*), count(DISTINCT id) FROM worked"))
            #expect(try rows[0].decode(0, as: Int.self) == 1_000)
            #expect(try rows[0].decode(1, as: Int.self) == 1_000)
        }
    }

    @Test("A part at rest is lent for other work, which a replica that remembers the part then knows of")
    func settled() async throws {
        try await withStores { stores in
            let one = LogFollower(pool: stores.pipeline, follower: "test", batchLimit: 7)
            let other = LogFollower(pool: stores.pipeline, follower: "test", batchLimit: 7)
            let part = LogPart.part(of: stores.organization)
            let seen = Seen()
            func work(_ follower: LogFollower) async throws -> Int {
                try await follower.processNext { batch in seen.note("\(batch.isContinuation) \(batch.isWhole)") }
            }
            func settle(_ follower: LogFollower, changing: Bool) async throws {
                try await follower.withSettled(part) { settled in
                    seen.note("settled \(settled.isContinuation)")
                    return changing
                }
            }
            try await Self.withGroupCommit(stores.gateway) { commit in
                func append(_ count: Int) async throws {
                    _ = try await commit.append((0..<count).map { Self.event($0) }, organizationID: stores.organization)
                }
                try await append(8)
                try await settle(one, changing: true)
                #expect(seen.taken().isEmpty, "there is more to read")
                #expect(try await work(one) == 7)
                try await settle(one, changing: true)
                #expect(try await work(one) == 1)
                #expect(seen.taken() == ["false false", "true true"])
                try await settle(one, changing: true)
                try await settle(other, changing: false)
                try await append(1)
                #expect(try await work(one) == 1)
                #expect(seen.taken() == ["settled true", "settled false", "true true"])
                try await settle(other, changing: true)
                try await append(1)
                #expect(try await work(one) == 1)
                try await append(1)
                #expect(try await work(one) == 1)
                #expect(seen.taken() == ["settled false", "false true", "true true"])
            }
        }
    }

    private final class Seen: Sendable {
        private let notes = Mutex<[String]>([])

        func note(_ text: String) { notes.withLock { $0.append(text) } }

        func taken() -> [String] {
            notes.withLock { notes in
                defer { notes = [] }
                return notes
            }
        }
    }

    private static let killFollowers = PostgresStatement(
        "test_kill_follower",
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE '%worked%' AND pid <> pg_backend_pid() LIMIT 1
        """)

    @Test("Types get numbers once, and keep them")
    func numbers() async throws {
        try await withStores { stores in
            let reader = LogReader(pool: stores.pipeline)
            let types = ["A", "B", "A"].map { (organizationID: stores.organization, eventType: $0) }
            let first = try await reader.intentNumbers(for: types)
            #expect(first.count == 3 && first[0] == first[2] && first[0] != first[1])
            #expect(try await reader.intentNumbers(for: types.reversed()) == first.reversed())
        }
    }
}

/// What concurrent tasks of a test tell each other.
private final class Ledger: Sendable {
    let acknowledged = Mutex<Set<UniqueID>>([])
    let isDone = Atomic(false)
}
