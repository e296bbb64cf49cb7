import ActionModel
import EventModel
import EventStore
import PostgresWire
import Runtime
import Synchronization
import TestKit
import Testing

@Suite("Counts of events")
struct RollupTests {
    private static func event(_ type: String, source: String = "tests") -> NewEvent {
        let now = Timestamp.now()
        return NewEvent(
            id: .generate(at: now), receivedAt: now,
            envelope: EventEnvelope(type: type, source: source, data: Array("{}".utf8)))
    }

    private static func append(
        _ events: [NewEvent], _ stores: StoreFixture, of organization: UniqueID? = nil
    ) async throws {
        let commit = GroupCommit(pool: stores.gateway, logger: testLogger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await commit.run() }
            defer { group.cancelAll() }
            _ = try await commit.append(events, organizationID: organization ?? stores.organization)
        }
    }

    private static func keeper(_ stores: StoreFixture) -> RollupKeeper {
        RollupKeeper(pool: stores.pipeline, logger: testLogger)
    }

    /// Of the last hour and the next, by the minute, so that both tables are asked.
    private static func query(
        _ grouping: Set<StatsQuery.Grouping> = [], interval: String? = nil, type: String? = nil, source: String? = nil,
        limit: Int = 20
    ) throws -> StatsQuery {
        let now = Timestamp.now()
        let window = try StatsWindow(
            from: Timestamp(microseconds: now.microseconds - 3_600_000_000),
            to: Timestamp(microseconds: now.microseconds + 3_600_000_000), interval: interval.map { TimeSpan($0)! },
            now: now)
        return StatsQuery(window: window, grouping: grouping, type: type, source: source, groupLimit: limit)
    }

    private static func counts(
        _ query: StatsQuery, _ stores: StoreFixture, of organization: UniqueID? = nil
    ) async throws -> [String: Int64] {
        let stats = try #require(
            try await StatsStore(pool: stores.gateway).stats(
                query, organizationID: organization ?? stores.organization))
        return Dictionary(
            stats.points.map { point in
                let names = [point.group.type, point.group.source].compactMap(\.self)
                return (point.group.isRest ? "(rest)" : names.joined(separator: "/"), point.count)
            }, uniquingKeysWith: +)
    }

    @Test("Every event is counted once, although the counting is killed again and again while events come in")
    func exactlyOnce() async throws {
        try await withStores { stores in
            let other = try await stores.makeOrganization()
            let isDone = Flag()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for organization in [stores.organization, other] {
                    group.addTask {
                        for round in 0..<40 {
                            let events = (0..<25).map {
                                Self.event("T\(($0 + round) % 7)", source: "s\($0 % 3)")
                            }
                            try await Self.append(events, stores, of: organization)
                        }
                    }
                }
                for _ in 0..<3 {
                    group.addTask {
                        while !isDone.value.load(ordering: .relaxed) {
                            // A killed connection undoes its batch; the next round does it again.
                            _ = try? await Self.keeper(stores).catchUp()
                        }
                    }
                }
                group.addTask {
                    let lag = FollowerLag(pool: stores.owner, follower: RollupKeeper.follower)
                    while true {
                        let (stored, left) = (try await Self.stored(stores), try await lag.events())
                        if stored == 2_000, left == 0 { break }
                        try await stores.owner.query(Self.kill)
                        // Rarely enough for batches to get through in between.
                        try await Task.sleep(for: .milliseconds(20))
                    }
                    isDone.value.store(true, ordering: .relaxed)
                }
                try await group.waitForAll()
            }
            for table in ["event_counts_1m", "event_counts_1h"] {
                #expect(try await Self.differences(table, stores) == 0, "\(table)")
            }
            for organization in [stores.organization, other] {
                #expect(try await Self.counts(try Self.query(), stores, of: organization) == ["": 1_000])
                let grouped = try await Self.counts(try Self.query([.type, .source]), stores, of: organization)
                #expect(grouped.count == 21 && grouped["(rest)"] != nil && grouped.values.reduce(0, +) == 1_000)
            }
        }
    }

    private static func stored(_ stores: StoreFixture) async throws -> Int {
        try await stores.owner.query(PostgresStatement("test_stored", "SELECT count(*) FROM events"))[0].decode(0)
    }

    private static let kill = PostgresStatement(
        "test_kill_rollup",
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'SELECT roll_up%' AND pid <> pg_backend_pid() LIMIT 1
        """)

    /// Rows in which a table of counts and a naive count over the events disagree.
    private static func differences(_ table: String, _ stores: StoreFixture) async throws -> Int {
        let unit = table == "event_counts_1m" ? "minute" : "hour"
        let connection = stores.owner
        return try await connection.withConnection { connection in
            try await connection.execute(
                script: """
                    DROP TABLE IF EXISTS pg_temp.differing;
                    CREATE TEMP TABLE differing AS
                    SELECT * FROM (
                        SELECT organization_id, date_trunc('\(unit)', received_at) AS bucket, type, source, count(*)
                        FROM events GROUP BY 1, 2, 3, 4
                    ) naive FULL JOIN (
                        SELECT organization_id, bucket, type, source, count FROM \(table)
                    ) kept USING (organization_id, bucket, type, source, count)
                    WHERE naive.organization_id IS NULL OR kept.organization_id IS NULL
                    """)
            return try await connection.query(
                PostgresStatement("test_differing", "SELECT count(*) FROM (SELECT FROM pg_temp.differing) d")
            )[0].decode(0)
        }
    }

    @Test("Groups, filters and the rest beyond the limit")
    func grouping() async throws {
        try await withStores { stores in
            let sent = [("A", "x", 5), ("A", "y", 3), ("B", "x", 4), ("C", "", 1)]
            for (type, source, count) in sent {
                try await Self.append((0..<count).map { _ in Self.event(type, source: source) }, stores)
            }
            let before = try #require(
                try await StatsStore(pool: stores.gateway).stats(
                    try Self.query(), organizationID: stores.organization))
            #expect(before.points.isEmpty && before.lag == 13 && before.asOf == nil)
            let start = Timestamp.now()
            #expect(try await Self.keeper(stores).catchUp() == 13)
            let after = try #require(
                try await StatsStore(pool: stores.gateway).stats(
                    try Self.query(), organizationID: stores.organization))
            #expect(after.lag == 0 && after.overflow == 0 && after.asOf ?? start > start)

            #expect(try await Self.counts(try Self.query([.type]), stores) == ["A": 8, "B": 4, "C": 1])
            #expect(try await Self.counts(try Self.query([.source]), stores) == ["x": 9, "y": 3, "": 1])
            #expect(
                try await Self.counts(try Self.query([.type, .source], limit: 2), stores)
                    == ["A/x": 5, "B/x": 4, "(rest)": 4])
            #expect(try await Self.counts(try Self.query([.type], source: "x"), stores) == ["A": 5, "B": 4])
            #expect(try await Self.counts(try Self.query(interval: "1m", type: "A"), stores) == ["": 8])
            #expect(try await Self.counts(try Self.query(interval: "1h", type: "A"), stores) == ["": 8])
            #expect(try await Self.counts(try Self.query(type: "unknown"), stores) == [:])
            let stranger = try await stores.makeOrganization()
            #expect(try await Self.counts(try Self.query([.type]), stores, of: stranger) == [:])
        }
    }

    @Test("More pairs of type and source than an organization has room for go to the overflow, and none is lost")
    func overflow() async throws {
        try await withStores { stores in
            try await Self.append((0..<990).map { Self.event("T\($0)") }, stores)
            try await Self.keeper(stores).catchUp()
            // Twenty more new ones, of which ten find room, and one that has its place already.
            try await Self.append((0..<20).map { Self.event("U\($0)") } + [Self.event("T5")], stores)
            try await Self.keeper(stores).catchUp()
            try await Self.append([Self.event("V")], stores)
            try await Self.keeper(stores).catchUp()
            let perTable = try await stores.owner.query(
                PostgresStatement(
                    "test_overflow",
                    """
                    SELECT sum(count)::bigint, coalesce(sum(count) FILTER (WHERE type = ''), 0)::bigint,
                        max(count) FILTER (WHERE type = 'T5')
                    FROM event_counts_1h
                    """))[0]
            #expect(try perTable.decode(0, as: Int64.self) == 1_012)
            // At the turn of an hour there is room anew.
            let over = try perTable.decode(1, as: Int64.self)
            let hours = try await Self.hours(stores)
            #expect(over == 11 || hours > 1)
            let stats = try #require(
                try await StatsStore(pool: stores.gateway).stats(
                    try Self.query(interval: "1h"), organizationID: stores.organization))
            #expect(stats.points.reduce(0) { $0 + $1.count } == 1_012 && stats.overflow == over)
            let grouped = try await Self.counts(try Self.query([.type], interval: "1h", limit: 1_000), stores)
            #expect(grouped["(rest)"] == (over == 0 ? nil : over) && grouped.values.reduce(0, +) == 1_012)
            let filtered = try #require(
                try await StatsStore(pool: stores.gateway).stats(
                    try Self.query([.type], interval: "1h", type: "T5"), organizationID: stores.organization))
            #expect(filtered.points.map(\.count).reduce(0, +) == 2 && filtered.overflow == over)
        }
    }

    private static func hours(_ stores: StoreFixture) async throws -> Int {
        try await stores.owner.query(
            PostgresStatement("test_hours", "SELECT count(DISTINCT bucket) FROM event_counts_1h"))[0].decode(0)
    }

    @Test("The longest names that an event may have are counted")
    func longNames() async throws {
        try await withStores { stores in
            // Random, so that PostgreSQL cannot make them small, and four bytes a character.
            func name(_ length: Int) -> String {
                String(
                    String.UnicodeScalarView(
                        (0..<length).map { _ in Unicode.Scalar(UInt32.random(in: 0x20000...0x2A000))! }))
            }
            let (type, source) = (name(64), name(512))
            let event = Self.event("Long", source: source)
            try await Self.append([event, Self.event(type, source: source)], stores)
            try await Self.keeper(stores).catchUp()
            #expect(
                try await Self.counts(try Self.query([.type, .source]), stores)
                    == ["Long/\(source)": 1, "\(type)/\(source)": 1])
        }
    }

    @Test("A new follower gets past what retention has dropped")
    func startsBehindDroppedEvents() async throws {
        try await withStores { stores in
            try await Self.append([Self.event("A")], stores)
            try await stores.owner.query(PostgresStatement("test_wipe", "TRUNCATE events"))
            #expect(try await Self.keeper(stores).catchUp() == 0)
            let lag = FollowerLag(pool: stores.owner, follower: RollupKeeper.follower)
            #expect(try await lag.events() == 0)
            let follower = LogFollower(pool: stores.pipeline, follower: "late", batchLimit: 10)
            let none = try await follower.processNext { _ in Issue.record("there is nothing to work on") }
            #expect(none == 0)
            #expect(try await FollowerLag(pool: stores.owner, follower: "late").events() == 0)
            try await Self.append([Self.event("B")], stores)
            let count = try await follower.processNext { #expect($0.events.map(\.type) == ["B"]) }
            #expect(count == 1)
            #expect(try await Self.keeper(stores).catchUp() == 1)
        }
    }
}

private final class Flag: Sendable {
    let value = Atomic(false)
}
