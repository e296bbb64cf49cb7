import EventModel
import EventStore
import Logging
import Metrics
import TriggerEngine

/// The engine of every organization, kept as its triggers are.
///
/// It asks for what changed before each batch is evaluated, which costs a look into an index. A change of one trigger
/// costs that trigger alone; the others, and the states of all, stay as they are.
final class TriggerCatalogue {
    /// So many definitions are read at a time, so that their transaction is never idle for long.
    private static let pageSize = 500

    /// By organization.
    var engines: [UniqueID: TriggerEngine] = [:]
    /// Triggers of which some version was written by a newer release. They are in no engine, but their states are not
    /// to be taken for left-overs.
    private(set) var unreadable: Set<UniqueID> = []
    /// Triggers of which some version is switched off, and so in no engine.
    private var disabled: Set<UniqueID> = []

    private let store: TriggerStore
    private let logger: Logger
    private var standings: [UniqueID: TriggerStanding] = [:]
    private var mark = TriggerMark.start

    init(store: TriggerStore, logger: Logger) {
        self.store = store
        self.logger = logger
    }

    /// Loads the triggers for the first time, outside of any batch, because it may take long.
    func load() async throws {
        guard mark == .start else { return }
        try await store.withConnection { try await refresh(on: $0) }
    }

    /// Loads what changed since the last call; does nothing when nothing did.
    func refresh(on connection: StoreConnection) async throws {
        let (found, next) = try await store.changes(since: mark, on: connection)
        let changed = found.filter { standings[$0.id] != ($0.isDeleted ? nil : $0) }
        for start in stride(from: 0, to: changed.count, by: Self.pageSize) {
            try await apply(Array(changed[start..<min(start + Self.pageSize, changed.count)]), on: connection)
        }
        mark = next
        guard !changed.isEmpty else { return }
        ProcessorMetrics.triggers.record(engines.values.reduce(0) { $0 + $1.count })
        logger.info("triggers.loaded", metadata: ["triggers.count": "\(changed.count)"])
    }

    private func apply(_ changed: [TriggerStanding], on connection: StoreConnection) async throws {
        let living = changed.filter { !$0.isDeleted }
        let live = living.map { (id: $0.id, version: $0.version) }
        let shadows = living.compactMap { one in one.shadowVersion.map { (id: one.id, version: $0) } }
        let versions =
            try await store.versions(live, role: .live, on: connection)
            + (try await store.versions(shadows, role: .shadow, on: connection))
        let byID = Dictionary(grouping: versions, by: \.id)
        for standing in changed {
            apply(standing, versions: byID[standing.id] ?? [])
        }
    }

    private func apply(_ standing: TriggerStanding, versions: [Trigger]) {
        let roles = versions.filter(\.definition.enabled)
        for role in [TriggerRole.live, .shadow] {
            if let trigger = roles.first(where: { $0.role == role }) {
                engines[standing.organizationID, default: TriggerEngine()].put(trigger)
            } else {
                engines[standing.organizationID]?.remove(standing.id, role: role)
            }
        }
        if engines[standing.organizationID]?.count == 0 { engines[standing.organizationID] = nil }
        let expected = standing.isDeleted ? 0 : standing.shadowVersion == nil ? 1 : 2
        if versions.count < expected {
            unreadable.insert(standing.id)
        } else {
            unreadable.remove(standing.id)
        }
        if roles.count < versions.count {
            disabled.insert(standing.id)
        } else {
            disabled.remove(standing.id)
        }
        standings[standing.id] = standing.isDeleted ? nil : standing
    }

    /// Whether a state is of a leaf that its trigger no longer has, in any version that is in use.
    func isLeftOver(_ key: StateKey, of organization: UniqueID) -> Bool {
        guard standings[key.triggerID] != nil, !unreadable.contains(key.triggerID), !disabled.contains(key.triggerID),
            let engine = engines[organization]
        else { return false }
        return !engine.slots(of: key.triggerID).contains(key.slot)
    }
}
