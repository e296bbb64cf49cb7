import EventModel
import EventStore
import PostgresWire
import Runtime
import Synchronization
import TestKit
import Testing

@Suite("The live tail")
struct LiveTailTests {
    /// A tail whose batches are the events themselves, and a way to append.
    private struct Fixture: Sendable {
        let stores: StoreFixture
        let tail: LiveTail<[Event]>
        let log: GroupCommit

        func append(_ count: Int, organization: UniqueID? = nil, bytes: Int = 0) async throws {
            let filling = String(repeating: "x", count: bytes)
            let events = (0..<count).map { number in
                let now = Timestamp.now()
                return NewEvent(
                    id: .generate(at: now), receivedAt: now,
                    envelope: EventEnvelope(
                        type: "Test", source: "tests", producerID: nil,
                        data: Array(#"{"n":\#(number),"filling":"\#(filling)"}"#.utf8)))
            }
            _ = try await log.append(events, organizationID: organization ?? stores.organization)
        }

        /// The log of an organization, in its order.
        func log(of organization: UniqueID? = nil) async throws -> [UniqueID] {
            let organization = organization ?? stores.organization
            return try await LogReader(pool: stores.pipeline)
                .read(part: LogPart.part(of: organization), after: 0, limit: 100_000)
                .filter { $0.organizationID == organization }.map(\.id)
        }
    }

    private static func withTail<R: Sendable>(
        _ limits: LiveTailLimits = LiveTailLimits(), _ body: @escaping @Sendable (Fixture) async throws -> R
    ) async throws -> R {
        try await withStores { stores in
            let found = try await stores.owner.query(PostgresStatement("test_name", "SELECT current_database()"))
            let server = try TestServers.postgres(database: try found[0].decode(0))
            let settings = try ColliderConfiguration.load(environment: [
                "DB_HOST": server.host, "DB_PORT": "\(server.port)", "DB_NAME": server.database,
                "DB_USER": server.user,
            ]).database
            let wakeUps = WakeUps(settings, role: .gateway, channels: [.newEvent], logger: testLogger)
            let pool = EventStorePool.make(settings, role: .gateway, name: "live-tail", logger: testLogger)
            let tail = LiveTail(
                pool: pool, reads: stores.gateway, wakeUps: wakeUps, limits: limits, logger: testLogger
            ) { $0 }
            let log = GroupCommit(pool: stores.gateway, logger: testLogger)
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await wakeUps.run() }
                group.addTask { try await tail.run() }
                group.addTask { try await log.run() }
                defer { group.cancelAll() }
                return try await body(Fixture(stores: stores, tail: tail, log: log))
            }
        }
    }

    private static let soon = Duration.seconds(60)

    /// Takes events until there are as many as wanted.
    private static func take(
        _ count: Int, _ subscription: LiveSubscription<[Event]>
    ) async throws -> [UniqueID] {
        var ids: [UniqueID] = []
        while ids.count < count {
            switch await subscription.next(until: .now.advanced(by: soon)) {
            case .batch(let events, let position): ids += events.filter { $0.position > position }.map(\.id)
            case .idle: Issue.record("nothing came")
            case .ended(let ending): throw Ended(ending: ending)
            }
        }
        return ids
    }

    private struct Ended: Error {
        let ending: LiveEnding
    }

    @Test func `listeners that resume miss and repeat nothing while connections are ended again and again`()
        async throws
    {
        var limits = LiveTailLimits()
        limits.batchEvents = 7
        try await Self.withTail(limits) { fixture in
            try await fixture.append(1)
            let total = 400
            let first = try #require(try await fixture.log().first)
            let heard = Heard()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for listener in 0..<6 {
                    group.addTask {
                        var ids = [first]
                        while ids.count < total + 1 {
                            guard
                                let subscription = try? await fixture.tail.subscribe(
                                    organizationID: fixture.stores.organization, after: ids.last)
                            else {
                                try await Task.sleep(for: .milliseconds(5))
                                continue
                            }
                            // Some leave often, some stay.
                            let until = min(total + 1, ids.count + 1 + listener * 40)
                            ids += try await Self.take(until - ids.count, subscription)
                        }
                        heard.logs.withLock { $0.append(ids) }
                    }
                }
                group.addTask {
                    for _ in 0..<total / 4 {
                        try await fixture.append(4)
                        try await Task.sleep(for: .milliseconds(3))
                    }
                }
                group.addTask {
                    while heard.logs.withLock({ $0.count }) < 6 {
                        try await fixture.stores.owner.query(Self.endConnections)
                        // Rarely enough for reads to get through in between.
                        try await Task.sleep(for: .milliseconds(40))
                    }
                }
                try await group.waitForAll()
            }
            let log = try await fixture.log()
            #expect(log.count == total + 1)
            for ids in heard.logs.withLock({ $0 }) { #expect(ids == log) }
        }
    }

    private final class Heard: Sendable {
        let logs = Mutex<[[UniqueID]]>([])
    }

    /// Of the tail, its listener and the pages of those who catch up; what appends is not what is tested.
    private static let endConnections = PostgresStatement(
        "test_end",
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
            AND (application_name IN ('live-tail', 'wake-ups') OR query LIKE '%FROM events%')
        """)

    @Test func `who takes too little is ended, and the others hear everything`() async throws {
        var limits = LiveTailLimits()
        limits.retainedEvents = 20
        try await Self.withTail(limits) { fixture in
            let organization = fixture.stores.organization
            let slow = try await fixture.tail.subscribe(organizationID: organization)
            let quick = try await fixture.tail.subscribe(organizationID: organization)
            try await fixture.append(1)
            _ = try await Self.take(1, slow)
            _ = try await Self.take(1, quick)
            for _ in 0..<10 {
                try await fixture.append(10)
                #expect(try await Self.take(10, quick).count == 10)
            }
            guard case .ended(.slowReader) = await slow.next(until: .now.advanced(by: Self.soon)) else {
                Issue.record("the slow one goes on")
                return
            }
            let again = try await fixture.tail.subscribe(
                organizationID: organization, after: try await fixture.log().first)
            #expect(try await Self.take(100, again).count == 100)
        }
    }

    @Test func `who does not come back is hung up on`() async throws {
        var limits = LiveTailLimits()
        limits.patience = .milliseconds(20)
        try await Self.withTail(limits) { fixture in
            let (calls, call) = AsyncStream<Void>.makeStream()
            let subscription = try await fixture.tail.subscribe(organizationID: fixture.stores.organization) {
                call.yield()
            }
            try await fixture.append(1)
            _ = try await Self.take(1, subscription)
            var iterator = calls.makeAsyncIterator()
            await iterator.next()
            guard case .ended(.slowReader) = await subscription.next(until: .now) else {
                Issue.record("it goes on")
                return
            }
        }
    }

    @Test func `a large event does not make a large batch`() async throws {
        var limits = LiveTailLimits()
        limits.batchBytes = 1_000
        try await Self.withTail(limits) { fixture in
            try await fixture.append(1)
            let first = try await fixture.log().first
            try await fixture.append(5, bytes: 900)
            let subscription = try await fixture.tail.subscribe(
                organizationID: fixture.stores.organization, after: first)
            var sizes: [Int] = []
            while sizes.reduce(0, +) < 5 {
                guard case .batch(let events, _) = await subscription.next(until: .now.advanced(by: Self.soon)) else {
                    Issue.record("nothing came")
                    return
                }
                sizes.append(events.count)
            }
            #expect(sizes.count > 1)
        }
    }

    @Test func `an organization of the same part is neither heard nor resumed behind`() async throws {
        try await Self.withTail { fixture in
            var other = try await fixture.stores.makeOrganization()
            while LogPart.part(of: other) != LogPart.part(of: fixture.stores.organization) {
                other = try await fixture.stores.makeOrganization()
            }
            let mine = try await fixture.tail.subscribe(organizationID: fixture.stores.organization)
            let theirs = try await fixture.tail.subscribe(organizationID: other)
            for _ in 0..<5 {
                try await fixture.append(2)
                try await fixture.append(3, organization: other)
            }
            let own = try await fixture.log()
            #expect(try await Self.take(10, mine) == own)
            let log = try await fixture.log(of: other)
            #expect(try await Self.take(15, theirs) == log)
            for id in [log[0], UniqueID.generate()] {
                await #expect {
                    _ = try await fixture.tail.subscribe(organizationID: fixture.stores.organization, after: id)
                } throws: {
                    ($0 as? EventStoreError)?.code == .invalidCursor
                }
            }
        }
    }

    @Test func `nothing is read while nobody listens`() async throws {
        try await Self.withTail { fixture in
            try await fixture.append(3)
            let subscription = try await fixture.tail.subscribe(organizationID: fixture.stores.organization)
            let newest = try await fixture.log().last
            #expect(subscription.startID == newest)
            guard case .idle = await subscription.next(until: .now.advanced(by: .milliseconds(10))) else {
                Issue.record("something came of before the subscription")
                return
            }
            #expect(fixture.tail.subscriptionCount == 1)
        }
        try await Self.withTail { fixture in
            for _ in 0..<20 {
                try await fixture.append(3)
                try await Task.sleep(for: .milliseconds(5))
            }
            let rows = try await fixture.stores.owner.query(Self.tailConnections)
            #expect(try rows[0].decode(0, as: Int64.self) == 0)
        }
    }

    private static let tailConnections = PostgresStatement(
        "test_connections",
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'live-tail'")

    @Test func `subscriptions are bounded, given back, and ended when the tail closes`() async throws {
        var limits = LiveTailLimits()
        limits.subscriptions = 3
        limits.subscriptionsPerOrganization = 2
        try await Self.withTail(limits) { fixture in
            let (tail, one) = (fixture.tail, fixture.stores.organization)
            let other = try await fixture.stores.makeOrganization()
            func expectRefusal(_ organization: UniqueID, _ code: EventStoreError.Code) async {
                await #expect {
                    _ = try await tail.subscribe(organizationID: organization)
                } throws: {
                    ($0 as? EventStoreError)?.code == code
                }
            }
            do {
                let kept = [
                    try await tail.subscribe(organizationID: one), try await tail.subscribe(organizationID: one),
                ]
                await expectRefusal(one, .overloaded)
                let third = try await tail.subscribe(organizationID: other)
                await expectRefusal(other, .overloaded)
                withExtendedLifetime((kept, third)) {}
            }
            #expect(tail.subscriptionCount == 0)
            let last = try await tail.subscribe(organizationID: one)
            async let step = last.next(until: .now.advanced(by: Self.soon))
            tail.close()
            guard case .ended(.shutdown) = await step else {
                Issue.record("it goes on")
                return
            }
            await expectRefusal(one, .unavailable)
        }
    }
}
