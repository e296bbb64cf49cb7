import ActionModel
import EventModel
import JSONTree
import PostgresWire
import Runtime
import TriggerEngine

/// A trigger that matched an event, about to be stored.
public struct NewFiring: Sendable {
    /// A version 7 UUID, whose milliseconds are the time of the firing.
    public let id: UniqueID
    /// The trigger, in the version and the role that matched.
    public let trigger: Trigger
    /// The event that it matched.
    public let event: EventReference
    /// When the condition came true, on the clock of events' received times.
    public let at: Timestamp
    /// The truth value of each node of the condition, a JSON object; nil without one.
    public let explanation: [UInt8]?
    /// What became of the actions that make events.
    public var emits: [EmitOutcome] = []

    /// Makes a firing of now.
    public init(
        id: UniqueID = .generate(), trigger: Trigger, event: EventReference, at: Timestamp? = nil,
        explanation: [UInt8]? = nil
    ) {
        self.id = id
        self.trigger = trigger
        self.event = event
        self.at = at ?? event.receivedAt
        self.explanation = explanation
    }

    /// When it is written, which is what a payload says.
    public var firedAt: Timestamp { id.creationTime }

    var emitsJSON: [UInt8]? {
        guard !emits.isEmpty else { return nil }
        var writer = JSONWriter()
        writer.array { for outcome in emits { outcome.write(to: &$0) } }
        return writer.bytes
    }
}

/// What became of an action that makes an event.
public struct EmitOutcome: Sendable {
    /// Which of the version's actions, from 0.
    public let actionIndex: Int
    /// The event that was made, or why there is none.
    public let result: Result<UniqueID, EmitError>

    /// Makes an outcome of its members.
    public init(actionIndex: Int, result: Result<UniqueID, EmitError>) {
        self.actionIndex = actionIndex
        self.result = result
    }

    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("action", actionIndex)
            switch result {
            case .success(let id): $0.member("event_id", id.description)
            case .failure(let error): $0.member("error", error.description)
            }
        }
    }
}

/// Stores firings and their deliveries within a follower's transaction, so that they exist if and only if the
/// follower's position has moved past their events.
public struct FiringWriter: Sendable {
    /// Makes a writer.
    public init() {}

    /// Stores firings, and one delivery for each of their actions, in two statements and one round trip.
    ///
    /// A delivery of an action that is disabled is stored as cancelled, so that the log shows why nothing was sent. A
    /// firing of a version in shadow has no deliveries, and an action that makes an event has none in any.
    ///
    /// - Returns: the deliveries that are ready: push them to Redis when the transaction has committed.
    public func insert(
        _ firings: [NewFiring], on connection: PostgresConnection
    ) async throws -> [ReadyDelivery] {
        guard !firings.isEmpty else { return [] }
        let jobs = firings.filter { $0.trigger.role == .live }.flatMap { firing in
            let actions = firing.trigger.definition.actions
            return actions.indices.filter { actions[$0].kind.isDelivered }.map { Job(firing: firing, index: $0) }
        }
        let results = try await connection.pipeline([
            (FiringStatements.insertFirings, Self.parameters(of: firings)),
            (FiringStatements.insertDeliveries, Self.parameters(of: jobs)),
        ])
        return try results[1].compactMap { row in
            guard try row.decode(2, as: String.self) == "ready" else { return nil }
            return try ReadyDelivery(id: row.decode(0), kind: DeliveryCoding.kind(row, 1))
        }
    }

    /// A delivery to be: one action of a firing.
    private struct Job {
        let id: UniqueID
        let firing: NewFiring
        let index: Int

        init(firing: NewFiring, index: Int) {
            id = .generate(at: firing.id.creationTime)
            self.firing = firing
            self.index = index
        }

        var action: ActionDefinition { firing.trigger.definition.actions[index] }
    }

    private static func parameters(of firings: [NewFiring]) -> [PostgresParameter] {
        [
            .uuids(firings.map(\.id)), .timestamps(firings.map(\.id.creationTime)),
            .uuids(firings.map(\.trigger.organizationID)), .uuids(firings.map(\.trigger.id)),
            .int4s(firings.map(\.trigger.version)), .uuids(firings.map(\.event.id)),
            .timestamps(firings.map(\.event.receivedAt)), .int2s(firings.map(\.event.part)),
            .int8s(firings.map(\.event.position)), .timestamps(firings.map(\.at)),
            .texts(firings.map(\.trigger.role.rawValue)), .jsonbs(firings.map(\.explanation)),
            .jsonbs(firings.map(\.emitsJSON)),
        ]
    }

    private static func parameters(of jobs: [Job]) -> [PostgresParameter] {
        [
            .uuids(jobs.map(\.id)), .timestamps(jobs.map(\.id.creationTime)),
            .uuids(jobs.map(\.firing.trigger.organizationID)), .uuids(jobs.map(\.firing.id)),
            .uuids(jobs.map(\.firing.trigger.id)), .int4s(jobs.map(\.firing.trigger.version)),
            .uuids(jobs.map(\.firing.event.id)), .timestamps(jobs.map(\.firing.event.receivedAt)),
            .int2s(jobs.map { Int16(clamping: $0.index) }), .texts(jobs.map(\.action.kind.rawValue)),
            .int2s(jobs.map { Int16(clamping: $0.action.retry.maxAttempts) }),
            .texts(jobs.map(\.action.config.endpoint)),
        ]
    }
}

/// What the firing writer says to PostgreSQL.
private enum FiringStatements {
    static let insertFirings = PostgresStatement(
        "firing_insert",
        """
        INSERT INTO firings (id, created_at, organization_id, trigger_id, trigger_version, event_id,
            event_received_at, part, position, at, role, explanation, emits)
        SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::uuid[], $5::integer[], $6::uuid[],
            $7::timestamptz[], $8::smallint[], $9::bigint[], $10::timestamptz[], $11::text[], $12::jsonb[],
            $13::jsonb[])
        """)

    static let insertDeliveries = PostgresStatement(
        "delivery_insert",
        """
        INSERT INTO deliveries (id, created_at, organization_id, firing_id, trigger_id, trigger_version, event_id,
            event_received_at, action_index, kind, max_attempts, endpoint, run_at, pushed_at, status, last_error,
            finished_at)
        SELECT job.*, now(), now(),
            CASE WHEN disabled.reason IS NULL THEN 'ready' ELSE 'cancelled' END,
            'action disabled: ' || disabled.reason,
            CASE WHEN disabled.reason IS NULL THEN NULL ELSE now() END
        FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::uuid[], $5::uuid[], $6::integer[], $7::uuid[],
            $8::timestamptz[], $9::smallint[], $10::text[], $11::smallint[], $12::text[])
            AS job (id, created_at, organization_id, firing_id, trigger_id, trigger_version, event_id,
                event_received_at, action_index, kind, max_attempts, endpoint)
        LEFT JOIN disabled_actions disabled USING (trigger_id, trigger_version, action_index)
        RETURNING id, kind, status
        """)
}
