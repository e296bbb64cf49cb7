import EventModel
import EventStore
import Runtime
import SchemaLearning

/// What frames need to know about event types: their numbers and their learned schemas, kept for a while.
///
/// Numbers never change. Schemas do, slowly, and a fill rate that is some seconds old is as good as a new one. Belongs
/// to the actor that asks.
final class EventKnowledge {
    private static let schemaLifetime: Int64 = 5_000_000
    /// Beyond this everything is forgotten: event types are a handful, unless a producer makes them up.
    private static let mostTypes = 10_000

    private struct Learned {
        let schema: LearnedSchema?
        let asked: Timestamp
    }

    private let log: LogReader
    private let store: SchemaStore
    private var numbers: [SchemaKey: Int32] = [:]
    private var schemas: [SchemaKey: Learned] = [:]

    init(log: LogReader, store: SchemaStore) {
        self.log = log
        self.store = store
    }

    /// Asks for what is missing or out of date about the types of these events.
    func learn(about events: [ParsedEvent], now: Timestamp) async throws {
        let keys = Set(events.map { Self.key($0) })
        if numbers.count + keys.count > Self.mostTypes { numbers = [:] }
        if schemas.count + keys.count > Self.mostTypes { schemas = [:] }
        let unknown = keys.filter { numbers[$0] == nil }.sorted()
        if !unknown.isEmpty {
            let found = try await log.intentNumbers(for: unknown.map { ($0.organizationID, $0.eventType) })
            for (key, number) in zip(unknown, found) { numbers[key] = number }
        }
        for key in keys where isStale(schemas[key], now) {
            let schema = try await store.schema(organizationID: key.organizationID, eventType: key.eventType)
            schemas[key] = Learned(schema: schema, asked: now)
        }
    }

    /// The stable number of the event's type; 0 for one that ``learn(about:now:)`` was not told of.
    func intentNumber(of event: ParsedEvent) -> Int32 { numbers[Self.key(event)] ?? 0 }

    /// The share of the learned fields that the event has; 1 while nothing is learned.
    func fillRate(of event: ParsedEvent) -> Float {
        schemas[Self.key(event)]?.schema?.fillRate(of: event.data) ?? 1
    }

    private func isStale(_ learned: Learned?, _ now: Timestamp) -> Bool {
        guard let learned else { return true }
        // Out of date too when the clock was turned back.
        return !(0..<Self.schemaLifetime).contains(now.microseconds - learned.asked.microseconds)
    }

    private static func key(_ event: ParsedEvent) -> SchemaKey {
        SchemaKey(organizationID: event.event.organizationID, eventType: event.event.type)
    }
}
