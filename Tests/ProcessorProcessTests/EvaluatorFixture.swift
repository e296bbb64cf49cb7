import EventModel
import EventStore
import JSONTree
import Logging
import PostgresWire
import Runtime
import TestKit
import Testing
import TriggerEngine

@testable import ProcessorProcess

/// A migrated database with one organization, and as many evaluators over it as a test wants.
struct EvaluatorFixture: Sendable {
    /// Superuser, above all policies.
    let owner: PostgresPool
    let gateway: PostgresPool
    let pipeline: PostgresPool
    let organization: UniqueID
    /// When the first event of a test was received: long enough ago that every timer is due by the clock.
    let start = Timestamp(microseconds: Timestamp.now().microseconds - 6 * 3_600_000_000)

    let keyring: Keyring

    var part: Int16 { LogPart.part(of: organization) }
    var triggers: TriggerStore { TriggerStore(pool: gateway, keyring: keyring, logger: testLogger) }

    /// One replica: what it remembers is its own.
    func evaluator(batchLimit: Int = 500) -> TriggerEvaluator {
        var logger = testLogger
        logger.logLevel = .critical
        return TriggerEvaluator(
            follower: LogFollower(pool: pipeline, follower: "event-processor", batchLimit: batchLimit),
            triggers: TriggerStore(pool: pipeline, keyring: keyring, logger: logger),
            states: StateStore(pool: pipeline), firings: FiringWriter(), logger: logger)
    }

    func makeOrganization() async throws -> UniqueID {
        let id = UniqueID.generate()
        _ = try await owner.query(
            PostgresStatement("test_organization", "INSERT INTO organizations (id, name) VALUES ($1, $1::text)"),
            [.uuid(id)])
        return id
    }

    /// Makes a trigger; its event stays out of the log, whose times are the test's.
    @discardableResult
    func makeTrigger(
        _ name: String, types: String = "Score", condition: String, more: String = "", of owner: UniqueID? = nil
    ) async throws -> Trigger {
        let trigger = try await triggers.create(
            definition(name, types: types, condition: condition, more: more), organizationID: owner ?? organization)
        try await forgetSystemEvents()
        return trigger
    }

    func replace(_ trigger: Trigger, _ definition: TriggerDefinition) async throws {
        _ = try await triggers.replace(trigger.id, organizationID: trigger.organizationID) { _ in definition }
        try await forgetSystemEvents()
    }

    func definition(
        _ name: String, types: String = "Score", condition: String, more: String = ""
    ) throws -> TriggerDefinition {
        try TriggerDefinition(
            JSONDocument(#"{"name":"\#(name)","event_types":["\#(types)"],"condition":\#(condition)\#(more)}"#).root)
    }

    private func forgetSystemEvents() async throws {
        try await script("UPDATE events SET received_at = '\(start)' WHERE type LIKE 'collider.%'")
    }

    func script(_ text: String) async throws {
        try await owner.withConnection { try await $0.execute(script: text) }
    }

    /// Appends one event, received so many seconds after the start.
    func append(
        _ data: String, at seconds: Double, type: String = "Score", of owner: UniqueID? = nil
    ) async throws {
        try await append([(data, seconds)], type: type, of: owner)
    }

    func append(_ events: [(data: String, at: Double)], type: String = "Score", of owner: UniqueID? = nil) async throws
    {
        let new = events.map { data, seconds in
            let time = Timestamp(microseconds: start.microseconds + Int64(seconds * 1_000_000))
            return (
                owner ?? organization,
                NewEvent(
                    id: .generate(at: time), receivedAt: time,
                    envelope: EventEnvelope(type: type, source: "tests", data: Array(data.utf8)))
            )
        }
        try await gateway.withTransaction { try await DerivedEvents().append(new, on: $0) }
    }

    /// Has an evaluator work until there is nothing left.
    func drain(_ evaluator: TriggerEvaluator) async throws {
        while try await evaluator.processNext().events > 0 {}
    }

    /// `name/n` of each firing in the order of the log, where n is that of the event's data; shadows in brackets.
    func firings() async throws -> [String] {
        try await owner.query(
            PostgresStatement(
                "test_firings",
                """
                SELECT format(CASE role WHEN 'live' THEN '%s/%s' ELSE '(%s/%s)' END,
                    v.definition ->> 'name', e.data ->> 'n')
                FROM firings f JOIN events e ON e.id = f.event_id
                JOIN trigger_versions v ON v.trigger_id = f.trigger_id AND v.version = f.trigger_version
                ORDER BY f.position, v.definition ->> 'name', f.role
                """)
        ).map { try $0.decode(0) }
    }

    /// A number or a text that a statement gives.
    func value<T: PostgresDecodable>(_ name: StaticString, _ sql: String, as type: T.Type = T.self) async throws -> T {
        let rows = try await owner.query(PostgresStatement(name, sql))
        return try #require(rows.first).decode(0)
    }

    /// How many states of groups are stored; what counts the groups themselves has none.
    func stateCount() async throws -> Int {
        try await value("test_states", "SELECT count(*) FROM trigger_states WHERE group_key <> ''")
    }
}

func withEvaluators<R>(_ body: (EvaluatorFixture) async throws -> R) async throws -> R {
    try await withMigratedDatabase { configuration in
        func pool(_ role: String?) -> PostgresPool {
            var configuration = configuration
            configuration.role = role
            return PostgresPool(configuration: configuration, size: 4, logger: testLogger)
        }
        let (owner, organization) = (pool(nil), UniqueID.generate())
        _ = try await owner.query(
            PostgresStatement("test_first", "INSERT INTO organizations (id, name) VALUES ($1, $1::text)"),
            [.uuid(organization)])
        return try await body(
            EvaluatorFixture(
                owner: owner, gateway: pool("collider_gateway"), pipeline: pool("collider_pipeline"),
                organization: organization,
                keyring: try Keyring(EncryptionSettings(current: (0..<32).map { $0 }))))
    }
}
