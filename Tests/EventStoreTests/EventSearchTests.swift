import EventModel
import EventStore
import JSONTree
import PostgresWire
import Runtime
import Synchronization
import TestKit
import Testing
import TriggerEngine

@Suite("Searching the log")
struct EventSearchTests {
    /// Appends events of both organizations; the clocks of the gateways that took them differ.
    private static func fill(_ search: SearchFixture, _ random: inout RandomSearch, events: Int) async throws {
        let now = Timestamp.now().microseconds
        try await withGroupCommit(search.stores.gateway) { commit in
            var done = 0
            while done < events {
                let count = Int.random(in: 1...60, using: &random.chance)
                var batch: [NewEvent] = []
                for number in 0..<count {
                    // An hour in all, and up to a minute of disorder.
                    let age = (events - done - number) * 3_600_000 / max(1, events)
                    let disorder = Int.random(in: 0..<60_000, using: &random.chance)
                    let time = Timestamp(microseconds: now - Int64(age + disorder) * 1_000)
                    batch.append(random.event(at: Timestamp(milliseconds: time.microseconds / 1_000)))
                }
                let isOther = random.isRare(5)
                let organization = isOther ? search.other : search.stores.organization
                _ = try await commit.append(batch, organizationID: organization)
                done += count
            }
        }
    }

    @Test("A list holds what passes, page after page, however far the index has come", arguments: 0..<4)
    func reference(seed: Int) async throws {
        try await withSearch { search in
            var random = RandomSearch(seed: seed)
            try await Self.fill(search, &random, events: 2_200)
            var search = search
            try await search.load()
            let times = (search.logs[search.other] ?? []).map(\.event.receivedAt)
            var pages = 0
            for round in 0..<6 {
                for _ in 0..<25 {
                    let (filter, text) = try random.filter(times: times)
                    var budget = SearchBudget()
                    budget.events = random.pick([60, 700, 20_000])
                    budget.eventsBeforeIndex = random.pick([0, 0, 300])
                    budget.time = .seconds(60)
                    // Six types are in a block.
                    budget.rowsPerLook = random.pick([7, 1_024])
                    let reader = EventReader(pool: search.stores.gateway, budget: budget)
                    let order = random.pick(EventOrder.allCases)
                    let organization = random.pick([search.stores.organization, search.other])
                    let limit = random.pick([3, 20, 50, 1_000])
                    let found = try await search.list(reader, filter, order, limit: limit, of: organization)
                    let expected = search.expected(filter, order, of: organization)
                    #expect(found.ids == expected, "seed \(seed) round \(round) \(order) limit \(limit): \(text)")
                    pages += found.pages
                }
                _ = try await search.indexer.indexNext()
            }
            #expect(pages > 300)
        }
    }

    @Test("What is found does not depend on what the index says too much")
    func collisions() async throws {
        try await withSearch { search in
            var random = RandomSearch(seed: 77)
            try await Self.fill(search, &random, events: 1_200)
            var search = search
            try await search.load()
            while try await search.indexer.indexNext().events > 0 {}
            // As if every hash were that of everything else.
            _ = try await search.stores.owner.query(
                PostgresStatement(
                    "test_collide",
                    """
                    UPDATE event_blocks b
                    SET terms = (SELECT array_agg(DISTINCT t) FROM event_blocks a, unnest(a.terms) t)
                    WHERE type IS NOT NULL
                    """))
            var budget = SearchBudget()
            budget.eventsBeforeIndex = 0
            budget.time = .seconds(60)
            let reader = EventReader(pool: search.stores.gateway, budget: budget)
            for query in ["needle", "fox", "absent"] {
                let filter = EventFilter(text: try TextQuery(query))
                let found = try await search.list(
                    reader, filter, .descending, limit: 20, of: search.stores.organization)
                #expect(found.ids == search.expected(filter, .descending, of: search.stores.organization))
            }
        }
    }

    @Test("The index leads to what is rare without a look at the rest")
    func indexIsUsed() async throws {
        try await withSearch { search in
            try await withGroupCommit(search.stores.gateway) { commit in
                for batch in 0..<8 {
                    let events = (0..<400).map { number in
                        let now = Timestamp.now()
                        let data = #"{"n":\#(batch * 400 + number)}"#
                        return NewEvent(
                            id: .generate(at: now), receivedAt: now,
                            envelope: EventEnvelope(
                                type: number % 2 == 0 ? "Even" : "Odd", source: "", producerID: nil,
                                data: Array(data.utf8)))
                    }
                    _ = try await commit.append(events, organizationID: search.stores.organization)
                }
            }
            while try await search.indexer.indexNext().events > 0 {}
            var budget = SearchBudget()
            // Less than half of the log: whoever walks it needs more pages than one.
            budget.events = 1_500
            budget.eventsBeforeIndex = 200
            budget.time = .seconds(60)
            let reader = EventReader(pool: search.stores.gateway, budget: budget)
            let condition = try Condition(
                JSONDocument(#"{"field":"n","operator":"eq","value":3}"#).root, pointer: "")
            let page = try await reader.list(
                organizationID: search.stores.organization, filter: EventFilter(condition: condition),
                order: .descending, limit: 50, after: nil)
            #expect(page.events.count == 1 && page.nextCursor == nil)
            let not = EventFilter(condition: .not(condition))
            let short = try await reader.list(
                organizationID: search.stores.organization,
                filter: EventFilter(condition: .all([.not(.not(condition))])),
                order: .ascending, limit: 50, after: nil)
            #expect(short.events.map(\.id) == page.events.map(\.id) && short.nextCursor != nil)
            #expect(
                try await reader.list(
                    organizationID: search.stores.organization, filter: not, order: .descending, limit: 50, after: nil
                ).events.count == 50)
        }
    }

    @Test("What an event holds beyond its bound of terms is found too")
    func truncation() async throws {
        try await withSearch { search in
            let many = (0..<400).map { "\"word\($0)\"" }.joined(separator: ",")
            var events = (0..<1_023).map { _ in NewEvent.made(#"{"n":1}"#) }
            events.insert(NewEvent.made(#"{"many":[\#(many)]}"#), at: 100)
            try await withGroupCommit(search.stores.gateway) { commit in
                _ = try await commit.append(events, organizationID: search.stores.organization)
            }
            while try await search.indexer.indexNext().events > 0 {}
            var budget = SearchBudget()
            budget.eventsBeforeIndex = 0
            budget.time = .seconds(60)
            let reader = EventReader(pool: search.stores.gateway, budget: budget)
            let last = #"{"field":"many[399]","operator":"eq","value":"word399"}"#
            for filter in [
                EventFilter(text: try TextQuery("word399")),
                EventFilter(condition: try Condition(JSONDocument(last).root, pointer: "")),
            ] {
                let found = try await search.list(
                    reader, filter, .descending, limit: 5, of: search.stores.organization)
                #expect(found.ids == [events[100].id])
            }
        }
    }

    @Test("Pages neither skip nor repeat while events come in and are indexed")
    func concurrency() async throws {
        try await withSearch { search in
            var random = RandomSearch(seed: 5)
            try await Self.fill(search, &random, events: 900)
            let organization = search.stores.organization
            let filter = EventFilter(text: try TextQuery("fox"))
            var budget = SearchBudget()
            budget.events = 100
            budget.eventsBeforeIndex = 50
            budget.time = .seconds(60)
            let reader = EventReader(pool: search.stores.gateway, budget: budget)
            let isDone = Flag()
            let followed = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    var random = RandomSearch(seed: 6)
                    for _ in 0..<4 { try await Self.fill(search, &random, events: 300) }
                    isDone.raise()
                }
                group.addTask {
                    while !isDone.isRaised { _ = try await search.indexer.indexNext() }
                }
                // Newest first ends where it began; oldest first follows the log to its end.
                for _ in 0..<5 {
                    var search = search
                    let found = try await search.list(reader, filter, .descending, limit: 9, of: organization)
                    try await search.load()
                    let all = search.expected(filter, .descending, of: organization)
                    let first = try #require(found.ids.first)
                    #expect(Array(all.drop { $0 != first }) == found.ids)
                }
                var ids: [UniqueID] = []
                var cursor: UniqueID?
                while true {
                    let wasDone = isDone.isRaised
                    let page = try await reader.list(
                        organizationID: organization, filter: filter, order: .ascending, limit: 9,
                        after: cursor?.description)
                    ids += page.events.map(\.id)
                    if page.nextCursor == nil, wasDone { break }
                    cursor = page.nextCursor ?? cursor
                }
                try await group.waitForAll()
                return ids
            }
            var search = search
            try await search.load()
            #expect(followed == search.expected(filter, .ascending, of: organization))
        }
    }

    private static let killIndexers = PostgresStatement(
        "test_kill_indexer",
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
            AND (query LIKE '%event_blocks%' OR query LIKE '%follower_positions SET%')
        LIMIT 1
        """)

    @Test("Indexers whose connections are killed index every event exactly once")
    func kills() async throws {
        try await withSearch { search in
            var random = RandomSearch(seed: 9)
            try await Self.fill(search, &random, events: 5_000)
            let isDone = Flag()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        // A killed connection undoes its block; somebody does it again.
                        while !isDone.isRaised { _ = try? await search.indexer.indexNext() }
                    }
                }
                group.addTask {
                    let lag = FollowerLag(pool: search.stores.owner, follower: SearchIndexer.follower)
                    while try await lag.events() >= 512 {
                        try await search.stores.owner.query(Self.killIndexers)
                        // Rarely enough for blocks to get through in between.
                        try await Task.sleep(for: .milliseconds(40))
                    }
                    isDone.raise()
                }
                try await group.waitForAll()
            }
            let rows = try await search.stores.owner.query(
                PostgresStatement(
                    "test_blocks",
                    """
                    SELECT count(*) = count(DISTINCT (organization_id, first_position, type)),
                        (sum(events) FILTER (WHERE type IS NULL))::bigint,
                        (sum(events) FILTER (WHERE type IS NOT NULL))::bigint,
                        max(last_position),
                        (SELECT max(position) FROM follower_positions WHERE follower = 'search')
                    FROM event_blocks
                    """))
            #expect(try rows[0].decode(0, as: Bool.self))
            let last = try rows[0].decode(3, as: Int64.self)
            #expect(last >= 4_608 && last % 512 == 0)
            for column in [1, 2, 4] { #expect(try rows[0].decode(column, as: Int64.self) == last) }
        }
    }

    @Test("The indexer stays behind the follower that goes ahead")
    func leader() async throws {
        try await withSearch { search in
            var random = RandomSearch(seed: 3)
            try await Self.fill(search, &random, events: 1_100)
            let indexer = SearchIndexer(pool: search.stores.pipeline, after: "leader")
            #expect(try await indexer.indexNext().events == 0)
            let leader = LogFollower(pool: search.stores.pipeline, follower: "leader", batchLimit: 600)
            _ = try await leader.processNext { _ in }
            let first = try await indexer.indexNext()
            #expect(first.events == 512 && first.isLeaderBehind)
            #expect(try await indexer.indexNext().events == 0)
            while try await leader.processNext({ _ in }) > 0 {}
            let second = try await indexer.indexNext()
            #expect(second.events == 512 && !second.isLeaderBehind)
        }
    }

    @Test("The index shows an organization nothing of another")
    func tenancy() async throws {
        try await withSearch { search in
            var random = RandomSearch(seed: 4)
            try await Self.fill(search, &random, events: 1_100)
            _ = try await search.indexer.indexNext()
            let terms = TermSpace(search.stores.organization)
            let look = PostgresStatement(
                "test_look",
                """
                SELECT count(*) FROM find_event_blocks($1, NULL, NULL, 1, 1000000, NULL, NULL, true, 1000)
                """)
            let rows = PostgresStatement("test_rows", "SELECT count(*) FROM event_blocks WHERE organization_id = $1")
            for (viewer, sees) in [(search.stores.organization, true), (search.other, false)] {
                try await search.stores.gateway.withTransaction(organization: viewer) { connection in
                    let found = try await connection.query(look, [.int8s([terms.member(.type, "A")])])
                    #expect((try found[0].decode(0, as: Int.self) > 0) == sees)
                    let own = try await connection.query(rows, [.uuid(search.stores.organization)])
                    #expect((try own[0].decode(0, as: Int.self) > 0) == sees)
                }
            }
            #expect(try await search.stores.gateway.query(look, [.int8s([terms.member(.type, "A")])])[0].decode(0) == 0)
        }
    }

    @Test("A search that takes too long is ended and says so")
    func timeout() async throws {
        try await withSearch { search in
            var budget = SearchBudget()
            budget.statementTimeout = .milliseconds(50)
            let reader = EventReader(pool: search.stores.gateway, budget: budget)
            var random = RandomSearch(seed: 1)
            try await Self.fill(search, &random, events: 10)
            try await search.stores.owner.withTransaction { connection in
                // Nobody reads the log until this ends.
                try await connection.execute(script: "LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
                let error = await #expect(throws: EventStoreError.self) {
                    try await reader.list(
                        organizationID: search.stores.organization, filter: EventFilter(), order: .descending, limit: 1,
                        after: nil)
                }
                #expect(error?.code == .timedOut)
            }
        }
    }
}

extension NewEvent {
    fileprivate static func made(_ data: String) -> NewEvent {
        let now = Timestamp.now()
        return NewEvent(
            id: .generate(at: now), receivedAt: now,
            envelope: EventEnvelope(type: "Made", source: "", producerID: nil, data: Array(data.utf8)))
    }
}

private final class Flag: Sendable {
    private let value = Atomic(false)
    var isRaised: Bool { value.load(ordering: .acquiring) }
    func raise() { value.store(true, ordering: .releasing) }
}
