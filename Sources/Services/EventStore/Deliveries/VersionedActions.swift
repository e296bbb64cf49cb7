import ActionModel
import EventModel
import JSONTree
import PostgresWire
import Synchronization

/// Which action of which version of a trigger.
struct ActionKey: Hashable, Sendable {
    let triggerID: UniqueID
    let version: Int32
    let index: Int

    init(_ delivery: Delivery) {
        triggerID = delivery.triggerID
        version = delivery.triggerVersion
        index = delivery.actionIndex
    }
}

/// An action as an attempt needs it, or why there is none.
enum VersionedAction: Sendable {
    case known(ActionDefinition, triggerName: String)
    case impossible(reason: String)
    /// None now, but when this process, or another, has the key of its secrets.
    case sealed(reason: String)
}

/// The actions of versions, read, opened and parsed once: a version never changes, and its action is the same for each
/// of its deliveries.
final class VersionedActions: Sendable {
    /// Bytes of stored actions that are kept at most; then it begins anew, which costs one statement.
    private static let maximumBytes = 8 << 20

    private struct State {
        var actions: [ActionKey: VersionedAction] = [:]
        var bytes = 0
    }

    private let pool: PostgresPool
    private let keyring: Keyring?
    private let state = Mutex(State())

    init(pool: PostgresPool, keyring: Keyring?) {
        self.pool = pool
        self.keyring = keyring
    }

    /// The actions of deliveries, those that are not known yet in one statement.
    func actions(of deliveries: [Delivery]) async throws(PostgresError) -> [ActionKey: VersionedAction] {
        var found: [ActionKey: VersionedAction] = [:]
        var missing: [ActionKey: Delivery] = [:]
        state.withLock { state in
            for delivery in deliveries {
                let key = ActionKey(delivery)
                if let action = state.actions[key] { found[key] = action } else { missing[key] = delivery }
            }
        }
        guard !missing.isEmpty else { return found }
        for (key, (action, bytes)) in try await load(missing) {
            found[key] = action
            // A key may be given, and what can't be read be mended: only what is known for good is kept.
            guard case .known = action else { continue }
            state.withLock { state in
                if state.bytes + bytes > Self.maximumBytes { state = State() }
                state.actions[key] = action
                state.bytes += bytes
            }
        }
        return found
    }

    private func load(
        _ wanted: [ActionKey: Delivery]
    ) async throws(PostgresError) -> [ActionKey: (VersionedAction, bytes: Int)] {
        let keys = Array(wanted.keys)
        let rows = try await pool.query(
            Self.select,
            [
                .uuids(keys.map(\.triggerID)), .int4s(keys.map(\.version)),
                .int4s(keys.map { Int32(clamping: $0.index) }),
            ])
        var loaded: [ActionKey: (VersionedAction, bytes: Int)] = [:]
        for row in rows {
            let key = keys[try row.decode(0, as: Int.self) - 1]
            guard let delivery = wanted[key] else { continue }
            let bytes = try row.decodeIfPresent(2, as: PostgresJSON.self)?.bytes.count ?? 0
            loaded[key] = (action(row, of: delivery), bytes)
        }
        return loaded
    }

    private func action(_ row: PostgresRow, of delivery: Delivery) -> VersionedAction {
        do {
            guard let name = try row.decodeIfPresent(1, as: String.self),
                let action = try row.decodeIfPresent(2, as: PostgresJSON.self)
            else { return .impossible(reason: "the trigger's version has no such action") }
            let sealed = try row.decodeIfPresent(3, as: PostgresJSON.self)
            let definition = try ActionDefinition(
                open(action.bytes, sealed?.bytes, of: delivery), pointer: "/actions/\(delivery.actionIndex)")
            return .known(definition, triggerName: name)
        } catch let error as EventStoreError where error.code == .sealed {
            return .sealed(reason: error.message)
        } catch {
            return .impossible(reason: "what is stored can't be read: \(error)")
        }
    }

    private func open(_ action: [UInt8], _ sealed: [UInt8]?, of delivery: Delivery) throws -> JSONValue {
        let masked = try JSONDocument(action).root
        guard let secrets = try sealed.map({ try JSONDocument($0).root }), secrets.count > 0 else { return masked }
        guard let keyring else { throw EventStoreError(.sealed, "this process opens no secrets") }
        var writer = JSONWriter()
        try keyring.openAction(
            delivery.actionIndex, masked: masked, sealed: secrets, trigger: delivery.triggerID,
            organization: delivery.organizationID, to: &writer)
        return try JSONDocument(writer.bytes).root
    }

    private static let select = PostgresStatement(
        "versioned_actions",
        """
        SELECT wanted.number, v.definition ->> 'name', v.definition -> 'actions' -> wanted.index,
            v.secrets -> wanted.index
        FROM unnest($1::uuid[], $2::integer[], $3::integer[]) WITH ORDINALITY
            AS wanted (trigger_id, version, index, number)
        LEFT JOIN trigger_versions v ON v.trigger_id = wanted.trigger_id AND v.version = wanted.version
        """)
}
