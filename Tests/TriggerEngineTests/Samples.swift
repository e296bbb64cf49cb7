import EventModel
import JSONTree

@testable import TriggerEngine

/// An event of this type with this data.
func event(_ data: String, type: String = "order.paid", subject: String? = nil) throws -> ParsedEvent {
    try ParsedEvent(
        Event(
            id: UniqueID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001),
            organizationID: UniqueID(high: 1, low: 1), part: 3, position: 9, type: type, source: "shop",
            subject: subject, time: Timestamp(rfc3339: "2026-03-01T08:30:00Z")!,
            receivedAt: Timestamp(rfc3339: "2026-03-01T08:30:01Z")!, producerID: nil, traceparent: nil,
            data: Array(data.utf8)))
}

func json(_ text: String) throws -> JSONValue { try JSONDocument(text).root }

func condition(_ text: String) throws -> Condition { try Condition(try json(text), pointer: "") }

/// Whether a condition is true of data, by the tree and by the compiled form, which must agree.
func holds(_ text: String, _ data: String) throws -> Bool {
    let condition = try condition(text)
    let event = try event(data)
    let result = condition.evaluate(event)
    guard CompiledCondition(condition).evaluate(event) == result else { throw Disagreement() }
    return result
}

struct Disagreement: Error {}

/// The problems that a piece of work throws, as `pointer: detail`.
func problems(_ body: () throws -> Void) -> [String] {
    do {
        try body()
        return []
    } catch let error as JSONValidationError {
        return error.problems.map { "\($0.pointer): \($0.detail)" }
    } catch {
        return ["\(error)"]
    }
}

/// A small generator of chance whose runs can be repeated (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension String {
    /// Whether the test's text matches a pattern that must be valid.
    func hasMatch(of pattern: String) throws -> Bool {
        let regex = try Regex(pattern)
        var text = self
        return text.withUTF8 { regex.matches($0) }
    }
}

/// A trigger of a number, with these members (without braces).
func trigger(_ number: UInt64, _ members: String, role: TriggerRole = .live) throws -> Trigger {
    Trigger(
        id: UniqueID(high: 0, low: number), organizationID: UniqueID(high: 0, low: 2), version: 1, role: role,
        definition: try TriggerDefinition(try json("{\(members)}")), createdAt: Timestamp(milliseconds: 0),
        updatedAt: Timestamp(milliseconds: 0))
}

/// An event of a number, received so many seconds after the beginning of the test.
func event(_ number: UInt64, at seconds: Double, type: String = "T", _ data: String) throws -> ParsedEvent {
    let time = Timestamp(microseconds: 1_772_000_000_000_000 + Int64(seconds * 1_000_000))
    return try ParsedEvent(
        Event(
            id: UniqueID(high: 7, low: number), organizationID: UniqueID(high: 0, low: 2), part: 3,
            position: Int64(number), type: type, source: "", subject: nil, time: time, receivedAt: time,
            producerID: nil, traceparent: nil, data: Array(data.utf8)))
}

/// An engine with the states it works on, as the processor keeps them.
struct EngineRun {
    var engine = TriggerEngine()
    var table = StateTable()
    /// What the database would hold.
    private(set) var stored: [StateKey: StateChange] = [:]

    init(_ triggers: [Trigger] = []) {
        for trigger in triggers { engine.put(trigger) }
    }

    mutating func take(_ event: ParsedEvent) throws -> [TriggerMatch] {
        var keys: Set<StateKey> = []
        engine.collectKeys(event, into: &keys)
        try load(keys)
        try loadTimers(upTo: event.event.receivedAt)
        return engine.evaluate(event, in: &table)
    }

    mutating func advance(to moment: Timestamp) throws -> [TriggerMatch] {
        try loadTimers(upTo: moment)
        return engine.advance(to: moment, in: &table)
    }

    /// Writes everything and forgets it, as when another process takes over.
    mutating func handOver() {
        for change in table.takeChanges() { stored[change.key] = change.bytes == nil ? nil : change }
        table = StateTable()
    }

    private mutating func load(_ keys: Set<StateKey>) throws {
        for key in keys where table.lacks(key) { try table.load(key, stored[key]?.bytes) }
    }

    private mutating func loadTimers(upTo moment: Timestamp) throws {
        let due = stored.values.filter { $0.dueAt.map { $0 <= moment } ?? false }
        try load(Set(due.map(\.key)))
        var keys: Set<StateKey> = []
        engine.collectTimerKeys(in: table, upTo: moment, into: &keys)
        try load(keys)
    }
}
