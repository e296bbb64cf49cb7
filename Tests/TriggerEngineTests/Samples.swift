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
