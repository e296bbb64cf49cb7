import EventModel
import EventStore
import SchemaLearning

/// What frames need to know about event types: their numbers, and the fields that their events have had so far.
///
/// Numbers never change. Fields are noted with the event that was the first to have them, in the database and before
/// its frame is written, so that every fill rate is a function of the log. Belongs to the actor that asks.
final class EventKnowledge {
    /// Beyond these everything is forgotten, and asked for again: event types are a handful, unless a producer makes
    /// them up.
    private static let mostTypes = 10_000
    private static let mostHistories = 2_000

    /// What is known about one event.
    struct Facts {
        /// The stable number of its type.
        let intentNumber: Int32
        /// The share of the fields seen so far that it has.
        let fillRate: Float
    }

    private let log: LogReader
    private let fields: FieldStore
    private var numbers: [SchemaKey: Int32] = [:]
    private var histories: [FieldKey: FieldHistory] = [:]

    init(log: LogReader, fields: FieldStore) {
        self.log = log
        self.fields = fields
    }

    /// Learns from the next events of a part, and says what is known about each.
    func learn(from events: [ParsedEvent]) async throws -> [Facts] {
        try await askForNumbers(Set(events.map { Self.type(of: $0) }))
        try await loadHistories(Set(events.map { FieldKey($0.event) }))
        var births: [FieldStore.Birth] = []
        let facts = events.map { event in
            let key = FieldKey(event.event)
            let position = event.event.position
            let seen = histories[key, default: FieldHistory()].observe(event.data, at: position)
            births += seen.born.map { FieldStore.Birth(key: key, path: $0, position: position) }
            return Facts(intentNumber: numbers[Self.type(of: event)] ?? 0, fillRate: seen.fillRate)
        }
        do {
            try await fields.note(births)
        } catch {
            // What is not noted must be born again.
            histories = [:]
            throw error
        }
        return facts
    }

    private func askForNumbers(_ keys: Set<SchemaKey>) async throws {
        if numbers.count + keys.count > Self.mostTypes { numbers = [:] }
        let unknown = keys.filter { numbers[$0] == nil }.sorted()
        guard !unknown.isEmpty else { return }
        let found = try await log.intentNumbers(for: unknown.map { ($0.organizationID, $0.eventType) })
        for (key, number) in zip(unknown, found) { numbers[key] = number }
    }

    private func loadHistories(_ keys: Set<FieldKey>) async throws {
        if histories.count + keys.count > Self.mostHistories { histories = [:] }
        let unknown = keys.filter { histories[$0] == nil }.sorted()
        guard !unknown.isEmpty else { return }
        let known = Dictionary(grouping: try await fields.load(unknown), by: \.key)
        for key in unknown {
            let births = (known[key] ?? []).map { ($0.path, $0.position) }
            histories[key] = FieldHistory(Dictionary(births) { first, _ in first })
        }
    }

    private static func type(of event: ParsedEvent) -> SchemaKey {
        SchemaKey(organizationID: event.event.organizationID, eventType: event.event.type)
    }
}
