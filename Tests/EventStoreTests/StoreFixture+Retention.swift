import EventModel
import EventStore
import PostgresWire
import Runtime
import TestKit

/// Days in the past, with what belongs to them.
extension StoreFixture {
    /// The administrator's way in.
    var retention: RetentionStore { RetentionStore(pool: owner) }

    /// So many days before today, in UTC.
    func day(_ daysAgo: Int) -> String {
        let now = Timestamp.now().microseconds
        return String(Timestamp(microseconds: now - Int64(daysAgo) * 86_400_000_000).rfc3339.prefix(10))
    }

    func partition(_ table: String, _ daysAgo: Int) -> String {
        "\(table)_\(day(daysAgo).filter { $0 != "-" })"
    }

    func script(_ text: String) async throws {
        try await owner.withConnection { try await $0.execute(script: text) }
    }

    func number(_ query: String) async throws -> Int {
        try await owner.withConnection { connection in
            // Prepared statements are cached by name, and this one's text differs from call to call.
            try await connection.execute(
                script:
                    "DROP TABLE IF EXISTS pg_temp.number; CREATE TEMP TABLE number AS SELECT (\(query))::bigint AS n")
            let rows = try await connection.query(
                PostgresStatement("test_number", "SELECT n FROM (SELECT * FROM pg_temp.number) AS s (n)"))
            return Int(try rows[0].decode(0, as: Int64.self))
        }
    }

    /// How many events an organization may read.
    func visible(to organization: UniqueID) async throws -> Int {
        try await gateway.withTransaction(organization: organization) { connection in
            let rows = try await connection.query(PostgresStatement("test_visible", "SELECT count(*) FROM events"))
            return try rows[0].decode(0)
        }
    }

    /// Makes the partitions of a past day and puts events of one organization into it.
    func fill(daysAgo: Int, part: Int, events: Int = 1, of organization: UniqueID? = nil) async throws {
        try await makePartitions(daysAgo: daysAgo)
        let from = try await number("SELECT head FROM log_parts WHERE part = \(part)")
        try await script(
            insert(events: events, daysAgo: daysAgo, part: part, from: from + 1, of: organization)
                + "; UPDATE log_parts SET head = head + \(events) WHERE part = \(part)")
    }

    func makePartitions(daysAgo: Int) async throws {
        for table in ["events", "firings", "deliveries", "attempts"] {
            try await script(
                """
                DO $$ BEGIN
                    IF to_regclass('\(partition(table, daysAgo))') IS NULL THEN
                        PERFORM make_partition('\(table)', '\(day(daysAgo))');
                    END IF;
                END $$
                """)
        }
    }

    func insert(events: Int, daysAgo: Int, part: Int, from: Int, of organization: UniqueID? = nil) -> String {
        """
        INSERT INTO events (id, organization_id, part, position, type, source, time, received_at, data)
        SELECT gen_random_uuid(), '\(organization ?? self.organization)', \(part), n, 'Old', 'tests', now(),
            timestamptz '\(day(daysAgo)) 12:00:00+00', '{}'
        FROM generate_series(\(from), \(from + events - 1)) n
        """
    }

    func firing(daysAgo: Int, of organization: UniqueID) -> String {
        """
        INSERT INTO firings (id, created_at, organization_id, trigger_id, trigger_version, event_id, event_received_at,
            part, position)
        VALUES (gen_random_uuid(), '\(day(daysAgo)) 12:00:00+00', '\(organization)', gen_random_uuid(), 1,
            gen_random_uuid(), now(), 3, 1)
        """
    }

    /// A delivery of a past day, in partitions that it makes.
    func delivery(daysAgo: Int, eventDaysAgo: Int, status: String) -> String {
        """
        SELECT make_partition(t::regclass, '\(day(daysAgo))')
        FROM unnest(ARRAY['firings', 'deliveries', 'attempts']) t
        WHERE to_regclass(t || '_\(day(daysAgo).filter { $0 != "-" })') IS NULL;
        INSERT INTO deliveries (id, created_at, organization_id, firing_id, trigger_id, trigger_version, event_id,
            event_received_at, action_index, kind, status, max_attempts, run_at, pushed_at)
        VALUES (gen_random_uuid(), '\(day(daysAgo)) 12:00:00+00', '\(organization)', gen_random_uuid(),
            gen_random_uuid(), 1, gen_random_uuid(), '\(day(eventDaysAgo)) 12:00:00+00', 0, 'rest', '\(status)', 3,
            now(), now());
        INSERT INTO attempts (delivery_id, delivery_created_at, attempt, organization_id, started_at, duration_ms)
        VALUES (gen_random_uuid(), '\(day(daysAgo)) 12:00:00+00', 1, '\(organization)', now(), 1)
        """
    }

    /// Counts all events and moves the processor to the end of the log.
    func passAll() async throws {
        try await RollupKeeper(pool: pipeline, logger: testLogger).catchUp()
        try await script(
            """
            INSERT INTO follower_positions AS f (follower, part, position)
            SELECT 'event-processor', part, head FROM log_parts
            ON CONFLICT (follower, part) DO UPDATE SET position = excluded.position
            """)
    }

    /// Drops what can be dropped, as the processor does, and says which partitions with rows in them are gone; of the
    /// counts, also those without.
    func dropAll() async throws -> [String] {
        var gone: [String] = []
        let store = RetentionStore(pool: pipeline)
        for partition in try await retention.partitions() where partition.isExpired(at: .now()) {
            let name = "\(partition.table)_\(partition.day.filter { $0 != "-" })"
            let rows = try await number("SELECT count(*) FROM \(name)")
            if try await store.drop(partition.table, day: partition.day) == .dropped,
                rows > 0 || partition.table == "event_counts_1m"
            {
                gone.append("\(partition.table) \(partition.day)")
            }
        }
        return gone
    }
}

/// The services' ways into a database that is migrated already, with one organization.
func withStores<R>(in configuration: PostgresConfiguration, _ body: (StoreFixture) async throws -> R) async throws -> R
{
    func pool(_ role: String?) -> PostgresPool {
        var configuration = configuration
        configuration.role = role
        return PostgresPool(configuration: configuration, size: 8, logger: testLogger)
    }
    let owner = pool(nil)
    let (gateway, pipeline) = (pool("collider_gateway"), pool("collider_pipeline"))
    let keyring = try testKeyring()
    let empty = StoreFixture(
        owner: owner, gateway: gateway, pipeline: pipeline, organization: .generate(), keyring: keyring)
    let organization = try await empty.makeOrganization()
    return try await body(
        StoreFixture(
            owner: owner, gateway: gateway, pipeline: pipeline, organization: organization, keyring: keyring))
}
