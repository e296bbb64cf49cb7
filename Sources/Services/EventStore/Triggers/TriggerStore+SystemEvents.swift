import EventModel
import JSONTree
import PostgresWire
import Runtime
import TriggerEngine

/// What happens to triggers, as events of Collider's own: a trigger may be about them too.
enum TriggerEvent: String {
    case created
    case updated
    case enabled
    case disabled
    case deleted

    /// What a change of a definition is called: a switch is told as one, whatever else has changed with it.
    init(from old: TriggerDefinition, to new: TriggerDefinition) {
        self = old.enabled == new.enabled ? .updated : new.enabled ? .enabled : .disabled
    }

    /// The event `collider.trigger.…`, whose data are `{"id", "name", "version", "enabled"}` and whose subject is the
    /// id.
    func event(_ id: UniqueID, name: String, version: Int32, isEnabled: Bool) -> NewEvent {
        let now = Timestamp.now()
        var writer = JSONWriter()
        writer.object {
            $0.member("id", id.description)
            $0.member("name", name)
            $0.member("version", Int(version))
            $0.member("enabled", isEnabled)
        }
        return NewEvent(
            id: .generate(at: now), receivedAt: now,
            envelope: EventEnvelope(
                type: "collider.trigger.\(rawValue)", source: "collider", subject: id.description, data: writer.bytes))
    }
}

extension AuditChange {
    /// A change of a trigger; the actions have the same names as the events.
    ///
    /// - Parameter from: the version that it was taken from, by a rollback or from the shadow.
    static func trigger(_ event: TriggerEvent, _ trigger: Trigger, from: Int32? = nil) -> AuditChange {
        .trigger(event, trigger.id, name: trigger.definition.name, version: trigger.version, from: from)
    }

    static func trigger(
        _ event: TriggerEvent, _ id: UniqueID, name: String, version: Int32, from: Int32? = nil
    ) -> AuditChange {
        AuditChange(
            "trigger.\(event.rawValue)", id.description,
            details: [("name", name), ("version", "\(version)")] + (from.map { [("from", "\($0)")] } ?? []))
    }
}

extension TriggerStore {
    /// Appends the event of a change in the change's own transaction, so that the log holds each change once.
    ///
    /// It comes last: the head of the log's part stays locked until the commit.
    func tell(
        _ event: TriggerEvent, _ id: UniqueID, _ organizationID: UniqueID, name: String, version: Int32,
        isEnabled: Bool, on connection: PostgresConnection
    ) async throws {
        let event = event.event(id, name: name, version: version, isEnabled: isEnabled)
        try await DerivedEvents().append([(organizationID, event)], on: connection)
        _ = try await connection.query(Notifier.statement)
    }

    /// As ``tell(_:_:_:name:version:isEnabled:on:)``, of a trigger as it is now.
    func tell(_ event: TriggerEvent, _ trigger: Trigger, on connection: PostgresConnection) async throws {
        try await tell(
            event, trigger.id, trigger.organizationID, name: trigger.definition.name, version: trigger.version,
            isEnabled: trigger.definition.enabled, on: connection)
    }
}
