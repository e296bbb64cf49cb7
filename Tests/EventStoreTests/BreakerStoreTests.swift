import ActionModel
import EventModel
import EventStore
import JSONTree
import PostgresWire
import Runtime
import TestKit
import Testing

@Suite("Circuit breakers are shared", .timeLimit(.minutes(1)))
struct BreakerStoreTests {
    private let endpoint = "https://receiver.example"

    private func failures(_ count: Int) -> [(outcome: EndpointOutcome, agoMicroseconds: Int64)] {
        (0..<count).map { _ in (EndpointOutcome(.unhealthy(reason: "timed out"), of: .generate()), 0) }
    }

    private func key(_ stores: StoreFixture) -> EndpointKey {
        EndpointKey(organizationID: stores.organization, endpoint: endpoint)
    }

    private func types(_ stores: StoreFixture) async throws -> [String] {
        try await stores.owner.query(
            PostgresStatement("test_types", "SELECT type FROM events WHERE subject = $1 ORDER BY position"),
            [.text(endpoint)]
        ).map { try $0.decode(0) }
    }

    @Test("Five workers that each see one failure open it together, once, and the log says so")
    func together() async throws {
        try await withStores { stores in
            let store = stores.deliveries.breakers
            let readings = try await withThrowingTaskGroup(of: BreakerReading.self) { group in
                for _ in 0..<5 { group.addTask { try await store.settle(key(stores), failures(1)) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(readings.count { $0.state == .open } == 1)
            let open = try #require(readings.first { $0.state == .open })
            #expect(try #require(open.waitMicroseconds) == 30_000_000)
            let shown = try await DeliveryStore(pool: stores.gateway).breakers.list(
                organizationID: stores.organization, limit: 10)
            #expect(shown.map(\.breaker.state) == [.open] && shown[0].key.endpoint == endpoint)
            #expect(try await types(stores) == ["collider.breaker.opened"])
        }
    }

    @Test("Of many that ask at the same time one is the probe, and its answer closes the breaker for all")
    func oneProbe() async throws {
        try await withStores { stores in
            let store = stores.deliveries.breakers
            let key = key(stores)
            _ = try await store.settle(key, failures(5))
            let early = try await store.admit(key, deliveryID: .generate())
            guard case .wait = early.admission else {
                Issue.record("\(early.admission)")
                return
            }
            _ = try await stores.owner.query(
                PostgresStatement("test_pass", "UPDATE circuit_breakers SET open_until = now()"))
            let ids = (0..<20).map { _ in UniqueID.generate() }
            let admitted = try await withThrowingTaskGroup(of: UniqueID?.self) { group in
                for id in ids {
                    group.addTask { try await store.admit(key, deliveryID: id).admission == .probe ? id : nil }
                }
                return try await group.reduce(into: [UniqueID]()) { if let id = $1 { $0.append(id) } }
            }
            #expect(admitted.count == 1)
            let reading = try await store.settle(key, [(EndpointOutcome(.healthy, of: admitted[0]), 0)])
            #expect(reading.state == .closed)
            #expect(
                try await types(stores) == [
                    "collider.breaker.opened", "collider.breaker.half_open", "collider.breaker.closed",
                ])
            let counts = try await store.counts()
            #expect(counts == [.closed: 1])
        }
    }

    @Test("A claim reads what the breaker of its delivery says, and that of nobody else")
    func claims() async throws {
        try await withStores { stores in
            let event = try await stores.makeEvent()
            let trigger = try await stores.makeTrigger()
            let mine = EndpointKey(organizationID: stores.organization, endpoint: "http://127.0.0.1:9")
            let store = stores.deliveries.breakers
            let other = EndpointKey(organizationID: try await stores.makeOrganization(), endpoint: mine.endpoint)
            _ = try await store.settle(other, failures(5))
            func reading() async throws -> BreakerReading? {
                let ready = try await stores.fire(trigger, on: event)
                return try await stores.deliveries.claim(ready.map(\.id)).first?.breaker
            }
            #expect(try await reading() == .closed)
            _ = try await store.settle(mine, failures(1))
            let watched = try #require(try await reading())
            #expect(watched.state == .closed && (1...60_000_000).contains(watched.watchMicroseconds))
            _ = try await store.settle(mine, failures(4))
            let open = try #require(try await reading())
            #expect(open.state == .open && (1...30_000_000).contains(open.waitMicroseconds ?? 0))
            let people = DeliveryStore(pool: stores.gateway).breakers
            try await people.open([mine.endpoint], organizationID: stores.organization, forMicroseconds: nil)
            #expect(try await reading() == BreakerReading(state: .open, waitMicroseconds: nil, watchMicroseconds: 0))
            try await people.close([mine.endpoint], organizationID: stores.organization)
            #expect(try await reading() == .closed)
        }
    }

    @Test("People see and change the breakers of their organization, and of no other")
    func tenants() async throws {
        try await withStores { stores in
            let people = DeliveryStore(pool: stores.gateway).breakers
            let other = try await stores.makeOrganization()
            _ = try await stores.deliveries.breakers.settle(key(stores), failures(5))
            let mine = try await people.list(organizationID: stores.organization, limit: 10)
            #expect(mine.count == 1)
            #expect(try await people.list(organizationID: other, limit: 10).isEmpty)
            #expect(try await people.breaker(mine[0].id, organizationID: other) == nil)
            try await people.close([endpoint], organizationID: other)
            let still = try #require(await people.breaker(mine[0].id, organizationID: stores.organization))
            #expect(still.breaker.state == .open)
            #expect(
                try await people.list(organizationID: stores.organization, state: .closed, limit: 10).isEmpty)
            let stored = try await people.breakers(
                of: [endpoint, "https://never.example"], organizationID: stores.organization)
            #expect(stored[endpoint]?.state == .open && stored["https://never.example"] == CircuitBreaker())
        }
    }

    @Test("Successes that a worker kept to itself count when a failure tells of them")
    func told() async throws {
        try await withStores { stores in
            let store = stores.deliveries.breakers
            let successes = EndpointOutcome(.healthy, of: .generate(), count: 100)
            _ = try await store.settle(key(stores), [(successes, 10_000_000)] + failures(3))
            let people = DeliveryStore(pool: stores.gateway).breakers
            let shown = try await people.list(organizationID: stores.organization, limit: 1)
            let window = try #require(shown.first).breaker.window
            #expect(window.reduce(0) { $0 + $1.successes } == 100 && window.reduce(0) { $0 + $1.failures } == 3)
            #expect(window.count >= 2 && shown[0].breaker.failuresInARow == 3)
        }
    }

    @Test("One that has been closed and quiet for a day is forgotten, an open one is not")
    func sweep() async throws {
        try await withStores { stores in
            let store = stores.deliveries.breakers
            _ = try await store.settle(key(stores), failures(5))
            let quiet = EndpointKey(organizationID: stores.organization, endpoint: "https://quiet.example")
            _ = try await store.settle(quiet, failures(1))
            try await store.sweep()
            #expect(try await store.counts() == [.open: 1, .closed: 1])
            _ = try await stores.owner.query(
                PostgresStatement("test_age", "UPDATE circuit_breakers SET updated_at = now() - interval '2 days'"))
            try await store.sweep()
            #expect(try await store.counts() == [.open: 1])
        }
    }
}
