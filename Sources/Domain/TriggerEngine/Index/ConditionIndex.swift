import EventModel

/// Many conditions, each with the event types that reach it, and those of them that are true of an event.
///
/// An entry is a number that the caller gets when it adds a condition, and keeps until it removes it.
public struct ConditionIndex: Sendable {
    /// Names a condition in the index. Numbers of removed entries are given out again.
    public typealias Entry = Int

    private struct Held: Sendable {
        let eventTypes: [Glob]
        let condition: CompiledCondition?
    }

    private var held: [Entry: Held] = [:]
    private var next = 0

    /// Makes an empty index.
    public init() {}

    /// How many conditions there are.
    public var count: Int { held.count }

    /// Adds a condition without state.
    ///
    /// - Parameters:
    ///   - condition: nil is true of every event.
    ///   - eventTypes: which types reach it; empty means all.
    public mutating func add(_ condition: Condition?, eventTypes: [Glob]) -> Entry {
        next += 1
        held[next] = Held(eventTypes: eventTypes, condition: condition.map(CompiledCondition.init))
        return next
    }

    /// Removes a condition.
    public mutating func remove(_ entry: Entry) {
        held[entry] = nil
    }

    /// Appends the entries whose types an event has, and whose condition is true of it, each once, in no set order.
    public mutating func match(_ event: ParsedEvent, into matches: inout [Entry]) {
        for (entry, one) in held
        where (one.eventTypes.isEmpty || one.eventTypes.contains { $0.matches(event.event.type) })
            && one.condition?.evaluate(event) ?? true {
            matches.append(entry)
        }
    }
}
