import ActionModel
import EventModel
import EventStore
import JSONTree
import PostgresWire
import Runtime
import TestKit
import TriggerEngine

/// A migrated database with one organization, and the services' ways into it.
struct StoreFixture: Sendable {
    /// Superuser, above all policies.
    let owner: PostgresPool
    let gateway: PostgresPool
    let pipeline: PostgresPool
    let organization: UniqueID
    let keyring: Keyring

    var triggers: TriggerStore { TriggerStore(pool: gateway, keyring: keyring, logger: testLogger) }
    var deliveries: DeliveryStore { DeliveryStore(pool: pipeline, keyring: keyring) }

    func makeOrganization() async throws -> UniqueID {
        let id = UniqueID.generate()
        _ = try await owner.query(
            PostgresStatement("test_organization", "INSERT INTO organizations (id, name) VALUES ($1, $1::text)"),
            [.uuid(id)])
        return id
    }

    /// Appends an event as the gateway does, but by hand.
    func makeEvent(data: String = #"{"amount": 1250}"#) async throws -> Event {
        let now = Timestamp.now()
        let received = Timestamp(milliseconds: now.microseconds / 1_000)
        let event = Event(
            id: .generate(at: now), organizationID: organization, part: 3, position: 1, type: "PaymentProcessed",
            source: "tests", subject: "customer-7", time: received, receivedAt: received, producerID: nil,
            traceparent: nil, data: Array(data.utf8))
        _ = try await owner.query(
            PostgresStatement(
                "test_event",
                """
                INSERT INTO events (id, organization_id, part, position, type, source, subject, time, received_at, data)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)
                """),
            [
                .uuid(event.id), .uuid(organization), .int2(event.part), .int8(event.position), .text(event.type),
                .text(event.source), .optional(event.subject), .timestamp(received), .jsonb(event.data),
            ])
        return event
    }

    /// Fires a trigger on an event, as the processor does.
    func fire(_ trigger: Trigger, on event: Event, times: Int = 1) async throws -> [ReadyDelivery] {
        let firings = (0..<times).map { _ in NewFiring(trigger: trigger, event: EventReference(event)) }
        return try await pipeline.withTransaction { try await FiringWriter().insert(firings, on: $0) }
    }

    func makeTrigger(_ name: String = "Large payment", actions: Int = 1, attempts: Int = 3) async throws -> Trigger {
        try await triggers.create(definition(name, actions: actions, attempts: attempts), organizationID: organization)
    }

    func status(of id: UniqueID) async throws -> DeliveryStatus? {
        try await DeliveryStore(pool: gateway).delivery(id, organizationID: organization)?.status
    }

    func attempts(of id: UniqueID) async throws -> [DeliveryAttempt] {
        try await DeliveryStore(pool: gateway).attempts(of: id, organizationID: organization)
    }
}

func definition(
    _ name: String, enabled: Bool = true, actions: Int = 1, attempts: Int = 3
) throws -> TriggerDefinition {
    let action = """
        {"type": "rest", "config": {"url": "http://127.0.0.1:9/hook", "signing_secret": "\(signingSecret)"},
         "retry": {"max_attempts": \(attempts), "schedule": ["1s"]}}
        """
    let list = [String](repeating: action, count: actions).joined(separator: ",")
    return try TriggerDefinition(
        JSONDocument(
            """
            {"name": "\(name)", "enabled": \(enabled), "event_types": ["Payment*"], "actions": [\(list)],
             "condition": {"field": "data.amount", "operator": ">=", "value": 1000}}
            """
        ).root)
}

let signingSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func withStores<R>(_ body: (StoreFixture) async throws -> R) async throws -> R {
    try await withMigratedDatabase { configuration in
        func pool(_ role: String?) -> PostgresPool {
            var configuration = configuration
            configuration.role = role
            return PostgresPool(configuration: configuration, size: 8, logger: testLogger)
        }
        let owner = pool(nil)
        var fixture = StoreFixture(
            owner: owner, gateway: pool("collider_gateway"), pipeline: pool("collider_pipeline"),
            organization: .generate(), keyring: try testKeyring())
        fixture = StoreFixture(
            owner: owner, gateway: fixture.gateway, pipeline: fixture.pipeline,
            organization: try await fixture.makeOrganization(), keyring: fixture.keyring)
        return try await body(fixture)
    }
}

/// The keys of this target's tests.
func testKeyring(_ seed: UInt8 = 0, old: [UInt8] = []) throws -> Keyring {
    func key(_ seed: UInt8) -> [UInt8] { (0..<32).map { $0 &+ seed } }
    return try Keyring(EncryptionSettings(current: key(seed), old: old.map(key)))
}
