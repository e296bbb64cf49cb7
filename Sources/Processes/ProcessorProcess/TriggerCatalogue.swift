import EventModel
import EventStore
import Logging
import Synchronization
import TriggerEngine

/// The compiled triggers of every organization, reloaded when they changed.
///
/// It asks for the number of changes before each batch is evaluated, which one small query answers.
final class TriggerCatalogue: Sendable {
    private struct State {
        var revision: Int64 = -1
        var sets: [UniqueID: TriggerSet] = [:]
    }

    private let store: TriggerStore
    private let logger: Logger
    private let state = Mutex(State())

    init(store: TriggerStore, logger: Logger) {
        self.store = store
        self.logger = logger
    }

    /// Loads what changed since the last call; does nothing when nothing did.
    func refresh() async throws {
        let revision = try await store.changeCount()
        guard revision != state.withLock({ $0.revision }) else { return }
        let triggers = try await store.allTriggers()
        let sets = Dictionary(grouping: triggers, by: \.organizationID).mapValues { TriggerSet($0) }
        state.withLock { $0 = State(revision: revision, sets: sets) }
        logger.info("triggers.loaded", metadata: ["triggers.count": "\(triggers.count)"])
    }

    func matches(_ event: ParsedEvent) -> [Trigger] {
        state.withLock { $0.sets[event.event.organizationID]?.matches(event) ?? [] }
    }
}
