import ActionModel
import EventModel
import EventStore
import PostgresWire
import Runtime
import Synchronization
import TestKit
import Testing
import TriggerEngine

@Suite("Retention")
struct RetentionTests {
    @Test("Partitions are made ahead, also those that are missing in between, and only once")
    func partitionsAhead() async throws {
        try await withStores { stores in
            let keeper = PartitionKeeper(pool: stores.pipeline, logger: testLogger)
            #expect(try await keeper.makePartitions() == 0, "the migrations made them")
            try await stores.script("DROP TABLE \(stores.partition("events", -5)), \(stores.partition("events", -14))")
            #expect(try await keeper.makePartitions() == 2)
            let days = try await stores.retention.partitions().filter { $0.table == "events" }.map(\.day)
            #expect(days == (-14...1).reversed().map { stores.day($0) })
            // Made beside the parent and attached, a partition has all that its parent has.
            #expect(
                try await stores.number(
                    """
                    SELECT count(DISTINCT definition) FROM (
                        SELECT string_agg(regexp_replace(indexdef, '[0-9]{8}', '', 'g'), ';' ORDER BY indexdef)
                            AS definition
                        FROM pg_indexes WHERE tablename ~ '^events_[0-9]{8}$' GROUP BY tablename) d
                    """) == 1)
        }
    }

    @Test("Making partitions does not wait for appends under way, nor hold them up")
    func makingPartitionsIsQuiet() async throws {
        try await withStores { stores in
            try await stores.script("DROP TABLE \(stores.partition("events", -14))")
            try await stores.owner.withTransaction { appender in
                try await appender.execute(script: stores.insert(events: 1, daysAgo: 0, part: 3, from: 1))
                #expect(try await PartitionKeeper(pool: stores.pipeline, logger: testLogger).makePartitions() == 1)
            }
        }
    }

    @Test("A day is dropped when its policy lets go, and no day before")
    func byAge() async throws {
        try await withStores { stores in
            for daysAgo in 1...12 { try await stores.fill(daysAgo: daysAgo, part: 3) }
            try await stores.passAll()
            #expect(try await stores.dropAll() == [], "for ever is the default")
            #expect(try await stores.retention.set(days: 10, organization: nil).count == 1)
            // The twelfth day ago ended eleven days ago, and the tenth nine days ago.
            #expect(try await stores.dropAll() == ["events \(stores.day(12))", "events \(stores.day(11))"])
            #expect(try await stores.number("SELECT count(*) FROM events") == 10)
            #expect(try await stores.retention.set(days: nil, organization: nil).count == 1)
            #expect(try await stores.dropAll() == [])
        }
    }

    @Test(
        "A day that two organizations share stays until the longer policy lets go, and is hidden from the other at once"
    )
    func twoOrganizations() async throws {
        try await withStores { stores in
            let other = try await stores.makeOrganization()
            let name = other.description
            for daysAgo in [9, 8, 7] { try await stores.fill(daysAgo: daysAgo, part: 3) }
            for daysAgo in [8, 2] { try await stores.fill(daysAgo: daysAgo, part: 4, of: other) }
            try await stores.passAll()
            _ = try await stores.retention.set(days: 3, organization: stores.organization.description)
            #expect(try await stores.visible(to: stores.organization) == 0)
            #expect(try await stores.visible(to: other) == 2)
            // The eighth day is also the other's, who keeps it for ever.
            #expect(try await stores.dropAll() == ["events \(stores.day(9))", "events \(stores.day(7))"])
            #expect(try await stores.retention.set(days: 20, organization: name) == [name])
            #expect(try await stores.dropAll() == [])
            #expect(try await stores.retention.set(days: 4, organization: name) == [name])
            #expect(try await stores.visible(to: other) == 1)
            #expect(try await stores.dropAll() == ["events \(stores.day(8))"])
            #expect(try await stores.retention.set(days: 4, organization: "nobody") == [])
        }
    }

    @Test("A follower that has not read a day holds it, however long it has been away, until it is forgotten")
    func laggingFollower() async throws {
        try await withStores { stores in
            try await stores.fill(daysAgo: 9, part: 3, events: 5)
            _ = try await stores.retention.set(days: 3, organization: nil)
            func hold() async throws -> String {
                try await stores.retention.partitions().first { $0.table == "events" && $0.day == stores.day(9) }?.hold
                    ?? "nothing"
            }
            #expect(try await stores.dropAll() == [], "nobody has read it, and nobody knows whose it is")
            try await stores.passAll()
            try await stores.script("DELETE FROM follower_positions WHERE follower = 'event-processor'")
            #expect(try await hold().contains("follower event-processor is at position 0 of part 3"))
            #expect(try await stores.dropAll() == [])
            try await stores.passAll()
            let log = LogReader(pool: stores.pipeline)
            try await log.note([2: 0, 3: 4], of: "collider-writer:/ring")
            #expect(try await hold().contains("follower collider-writer:/ring is at position 4 of part 3"))
            #expect(try await stores.dropAll() == [])
            #expect(try await !stores.retention.forget(follower: "collider-writer:/ring"), "it has just moved")
            for needed in ["event-processor", "rollup", "schemas", "unknown"] {
                try await stores.script("UPDATE follower_positions SET updated_at = now() - interval '3 days'")
                #expect(try await !stores.retention.forget(follower: needed))
            }
            #expect(try await stores.retention.forget(follower: "collider-writer:/ring"))
            // The index of searches takes whole blocks only, and would hold a quiet part for ever.
            try await log.note([3: 0], of: "search")
            try await log.note([2: 0, 3: 5], of: "collider-writer:/other")
            #expect(try await hold() == "nothing")
            #expect(try await stores.dropAll() == ["events \(stores.day(9))"])
        }
    }

    @Test("Firings, deliveries and attempts go with their day, and what is unfinished holds them and its event")
    func deliveries() async throws {
        try await withStores { stores in
            try await stores.fill(daysAgo: 9, part: 3)
            try await stores.script(stores.delivery(daysAgo: 8, eventDaysAgo: 9, status: "scheduled"))
            try await stores.passAll()
            _ = try await stores.retention.set(days: 3, organization: nil)
            #expect(try await stores.dropAll() == [])
            try await stores.script("UPDATE deliveries SET status = 'dead', finished_at = now()")
            let stranger = try await stores.makeOrganization()
            try await stores.script(stores.firing(daysAgo: 8, of: stranger))
            #expect(
                try await stores.dropAll() == ["events \(stores.day(9))", "attempts \(stores.day(8))"],
                "a firing of an organization that keeps it has no delivery to tell")
            _ = try await stores.retention.set(days: 3, organization: stranger.description)
            #expect(try await stores.dropAll() == ["firings \(stores.day(8))", "deliveries \(stores.day(8))"])
        }
    }

    @Test("Blocks of the search index go after the events that they lead to")
    func blocks() async throws {
        try await withStores { stores in
            try await stores.fill(daysAgo: 9, part: 3)
            try await stores.script(
                """
                SELECT make_partition('event_blocks', '\(stores.day(9))');
                INSERT INTO event_blocks (organization_id, part, first_position, last_position, events, first_at,
                    last_at, reached_at, terms)
                SELECT '\(stores.organization)', 3, 1, 512, 1, t, t, t, '{}'
                FROM (SELECT timestamptz '\(stores.day(9)) 12:00:00+00' AS t) s;
                INSERT INTO follower_positions (follower, part) SELECT 'slow', part FROM log_parts
                """)
            try await stores.passAll()
            _ = try await stores.retention.set(days: 3, organization: nil)
            #expect(try await stores.dropAll() == [])
            try await stores.script("DELETE FROM follower_positions WHERE follower = 'slow'")
            #expect(try await stores.dropAll() == ["events \(stores.day(9))", "event_blocks \(stores.day(9))"])
        }
    }

    @Test("The function refuses everything else, whoever asks")
    func refusals() async throws {
        try await withStores { stores in
            try await stores.fill(daysAgo: 9, part: 3)
            try await stores.passAll()
            _ = try await stores.retention.set(days: 3, organization: nil)
            for table in ["triggers", "organizations", "event_counts_1h", "events; DROP TABLE triggers", ""] {
                await #expect(throws: PostgresError.self, "\(table)") {
                    try await RetentionStore(pool: stores.pipeline).drop(table, day: stores.day(9))
                }
            }
            for day in [0, -3] {
                let outcome = try await RetentionStore(pool: stores.pipeline).drop("events", day: stores.day(day))
                guard case .held(let held) = outcome else {
                    Issue.record("day \(day) was dropped")
                    continue
                }
                #expect(held.contains("not over"))
            }
            let absent = try await RetentionStore(pool: stores.pipeline).drop("events", day: stores.day(40))
            #expect(absent == .absent)
            // A partition whose name lies about its range.
            try await stores.script(
                """
                ALTER TABLE events DETACH PARTITION \(stores.partition("events", 9));
                ALTER TABLE \(stores.partition("events", 9)) RENAME TO \(stores.partition("events", 10));
                ALTER TABLE events ATTACH PARTITION \(stores.partition("events", 10))
                    FOR VALUES FROM ('\(stores.day(9)) 00:00:00+00') TO ('\(stores.day(8)) 00:00:00+00');
                """)
            #expect(try await stores.dropAll() == [])
            // By themselves the services may drop nothing, and the gateway may not even ask.
            for statement in [
                "DROP TABLE \(stores.partition("events", 10))", "SELECT make_partition('events', now()::date)",
            ] {
                await #expect(throws: PostgresError.self, "\(statement)") {
                    try await stores.pipeline.withConnection { try await $0.execute(script: statement) }
                }
            }
            await #expect(throws: PostgresError.self) { try await RetentionStore(pool: stores.gateway).partitions() }
            await #expect(throws: PostgresError.self) {
                try await RetentionStore(pool: stores.gateway).set(days: 1, organization: nil)
            }
            await #expect(throws: PostgresError.self) {
                try await RetentionStore(pool: stores.pipeline).set(days: 1, organization: nil)
            }
            #expect(try await stores.number("SELECT count(*) FROM events") == 1)
        }
    }

    @Test("A service that lies about what is counted and read drops nothing that a policy keeps")
    func lies() async throws {
        try await withStores { stores in
            try await stores.fill(daysAgo: 20, part: 3)
            try await stores.fill(daysAgo: 9, part: 3)
            try await stores.passAll()
            let lie = try await stores.makeOrganization()
            _ = try await stores.retention.set(days: 1, organization: lie.description)
            try await stores.fill(daysAgo: 12, part: 4)
            try await stores.pipeline.withConnection { connection in
                try await connection.execute(
                    script: "UPDATE follower_positions f SET position = head FROM log_parts p WHERE p.part = f.part")
            }
            for statement in [
                "UPDATE event_counts_1h SET organization_id = '\(lie)'", "DELETE FROM event_counts_1h",
                "UPDATE organizations SET retention_days = 1",
                """
                BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT drop_partition('events', '\(stores.day(12))')
                """,
            ] {
                await #expect(throws: PostgresError.self, "\(statement)") {
                    try await stores.pipeline.withConnection { connection in
                        do {
                            try await connection.execute(script: statement)
                        } catch {
                            await connection.rollback()
                            throw error
                        }
                    }
                }
            }
            // Its events were never counted, so that nobody seems to be there.
            let outcome = try await RetentionStore(pool: stores.pipeline).drop("events", day: stores.day(12))
            #expect(outcome == .held("an organization with rows in it keeps them"))
            #expect(try await stores.dropAll() == [])
        }
    }

    @Test("Appends go on while partitions are dropped and the dropping is killed, and what is left is whole")
    func appendsGoOn() async throws {
        try await withStores { stores in
            for daysAgo in 5...30 { try await stores.fill(daysAgo: daysAgo, part: 3) }
            try await stores.passAll()
            _ = try await stores.retention.set(days: 2, organization: nil)
            let isDone = Done()
            let appended = Done()
            let commit = GroupCommit(pool: stores.gateway, logger: testLogger)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await commit.run() }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<4 {
                        group.addTask {
                            while !isDone.flag.load(ordering: .relaxed) {
                                let now = Timestamp.now()
                                let event = NewEvent(
                                    id: .generate(at: now), receivedAt: now,
                                    envelope: EventEnvelope(type: "Live", data: Array("{}".utf8)))
                                _ = try await commit.append([event], organizationID: stores.organization)
                                appended.count.add(1, ordering: .relaxed)
                            }
                        }
                    }
                    // Reads that hold the table for longer than the dropping waits.
                    group.addTask {
                        while !isDone.flag.load(ordering: .relaxed) {
                            try await stores.owner.withTransaction { connection in
                                try await connection.execute(script: "SELECT count(*) FROM events")
                                try await Task.sleep(for: .milliseconds(150))
                            }
                            try await Task.sleep(for: .milliseconds(50))
                        }
                    }
                    group.addTask {
                        while !isDone.flag.load(ordering: .relaxed) {
                            try await stores.owner.query(Self.kill)
                            try await Task.sleep(for: .milliseconds(40))
                        }
                    }
                    group.addTask {
                        // A killed drop leaves the partition as it was; the next round finds it again.
                        while try await stores.number("SELECT count(*) FROM events WHERE type = 'Old'") > 0 {
                            _ = try? await PartitionKeeper(pool: stores.pipeline, logger: testLogger).dropPartitions()
                        }
                        isDone.flag.store(true, ordering: .relaxed)
                    }
                    try await group.waitForAll()
                }
                group.cancelAll()
            }
            let count = appended.count.load(ordering: .relaxed)
            #expect(count > 0)
            #expect(try await stores.number("SELECT count(*) FROM events") == count)
            let tables = try await stores.number("SELECT count(*) FROM pg_class WHERE relname ~ '^events_[0-9]{8}$'")
            let attached = try await stores.number(
                "SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass")
            #expect(tables == attached, "no partition is left half dropped")
        }
    }

    private static let kill = PostgresStatement(
        "test_kill_drop",
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'SELECT dropped%' AND pid <> pg_backend_pid()
            AND random() < 0.5
        """)

    @Test("Several that drop at the same time drop each partition once")
    func sideBySide() async throws {
        try await withStores { stores in
            for daysAgo in 5...9 { try await stores.fill(daysAgo: daysAgo, part: 3) }
            try await stores.passAll()
            _ = try await stores.retention.set(days: 2, organization: nil)
            let days = try await stores.retention.partitions().filter { $0.table == "events" }.map(\.day)
            let outcomes = try await withThrowingTaskGroup(of: [RetentionStore.DropOutcome].self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        var outcomes: [RetentionStore.DropOutcome] = []
                        for day in days.prefix(5) {
                            outcomes.append(try await RetentionStore(pool: stores.pipeline).drop("events", day: day))
                        }
                        return outcomes
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(outcomes.count { $0 == .dropped } == 5 && outcomes.count { $0 == .absent } == 10)
        }
    }

    @Test("Minutes are dropped after two whole days, whatever the policies say")
    func minutes() async throws {
        try await withStores { stores in
            try await stores.script("SELECT make_partition('event_counts_1m', current_date - 3)")
            #expect(try await stores.dropAll() == ["event_counts_1m \(stores.day(3))"])
        }
    }

    @Test("An owner without a superuser's rights keeps exactly the same")
    func plainOwner() async throws {
        let name = "owner_\(UInt64.random(in: .min ... .max))"
        try await withTestDatabase { configuration in
            let admin = try await PostgresConnection.connect(configuration, logger: testLogger)
            try await admin.execute(
                script: """
                    CREATE ROLE \(name) LOGIN CREATEROLE;
                    ALTER DATABASE \(configuration.database) OWNER TO \(name);
                    ALTER SCHEMA public OWNER TO \(name)
                    """)
            var owner = configuration
            owner.user = name
            _ = try await Migrator(owner, folder: migrationsFolder, logger: testLogger).run()
            try await withStores(in: owner) { stores in
                // By its own name a partition shows its owner nothing either, so that days are looked for in the list.
                func remains() async throws -> [Bool] {
                    let days = try await stores.retention.partitions().filter { $0.table == "events" }.map(\.day)
                    return [9, 8].map { days.contains(stores.day($0)) }
                }
                for daysAgo in [9, 8] { try await stores.fill(daysAgo: daysAgo, part: 3) }
                _ = try await stores.dropAll()
                #expect(try await remains() == [true, true], "nobody has read them")
                try await stores.passAll()
                _ = try await stores.dropAll()
                #expect(try await remains() == [true, true], "for ever is the default")
                _ = try await stores.retention.set(days: 8, organization: nil)
                _ = try await stores.dropAll()
                #expect(try await remains() == [false, true])
            }
        }
        // With its database everything is gone that it owned.
        let admin = try await PostgresConnection.connect(
            try TestServers.postgres(database: "postgres"), logger: testLogger)
        try await admin.execute(script: "DROP ROLE \(name)")
    }
}

private final class Done: Sendable {
    let flag = Atomic(false)
    let count = Atomic(0)
}
