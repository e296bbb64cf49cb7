import ActionModel
import EventModel
import JSONTree

/// A number worked out of the events that a leaf counts, and what it is held against.
public struct Aggregate: Sendable {
    /// Most events that a window by number holds, and most entries of any window.
    public static let maximumEvents: Int64 = 10_000
    /// Shortest and longest window by time.
    static let spans = TimeSpan(seconds: 1)...TimeSpan(seconds: 90 * 86_400)
    static let maximumPaths = 8

    /// How the number is worked out.
    public enum Function: String, Sendable, CaseIterable {
        /// How many events.
        case count
        /// The sum of a field.
        case sum
        /// The mean of a field.
        case avg
        /// The least value of a field.
        case min
        /// The greatest value of a field.
        case max
        /// How many different values of a field.
        case distinct
        /// The exponential moving average of a field, begun at its first value.
        case ema
    }

    /// Which of the counted events are worked out of.
    public enum Window: Sendable, Equatable {
        /// Those of the last so many microseconds; one that is exactly so old is out.
        case time(Int64)
        /// The last so many.
        case events(Int64)
        /// All, the newest with this weight.
        case weight(Double)
    }

    /// How the number is worked out.
    public let function: Function
    /// What it is worked out of; nil counts events whatever they hold.
    public let field: FieldPath?
    /// Of which events.
    public let window: Window
    /// Each combination of the values of these fields has a number of its own.
    public let groupBy: [FieldPath]
    /// Which events are counted; nil is all that reach the trigger.
    public let filter: Condition?
    /// Whether the number begins anew when the trigger fires.
    public let resetsOnFire: Bool
    let test: NumberTest
    /// All that the state depends on, as text.
    let identity: [UInt8]
}

extension Aggregate {
    /// The same, of fewer events: only those of which some other conditions are true as well.
    func counting(only conditions: [Condition], _ identities: [[UInt8]]) -> Aggregate {
        Aggregate(
            function: function, field: field, window: window, groupBy: groupBy,
            filter: .all(conditions + [filter].compactMap { $0 }), resetsOnFire: resetsOnFire, test: test,
            identity: identities.reduce(identity) { $0 + [UInt8(ascii: "&")] + $1 })
    }
}

/// What an aggregate's number is held against.
struct NumberTest: Sendable {
    /// The operators that numbers have.
    static let operators: [Operator] = [.eq, .ne, .gt, .gte, .lt, .lte, .between]

    let name: Operator
    let low: JSONNumber
    let high: JSONNumber
    /// The value as written.
    let source: [UInt8]

    func holds(_ number: Double) -> Bool {
        let number = JSONNumber.double(number)
        return switch name {
        case .eq: number == low
        case .ne: number != low
        case .gt: number > low
        case .gte: number > low || number == low
        case .lt: number < low
        case .lte: number < low || number == low
        case .between: (number > low || number == low) && (number < high || number == high)
        default: false
        }
    }
}

/// Several events in their order, each of which matches the next step; events in between don't matter.
public struct EventSequence: Sendable {
    static let count = 2...8

    /// What each event must be.
    public let steps: [Condition]
    /// Longest time from the first event to the last, in microseconds.
    public let within: Int64
    /// Each combination of the values of these fields is followed by itself.
    public let groupBy: [FieldPath]
    let identity: [UInt8]
}

/// An event that is not followed by another in time.
public struct Absence: Sendable {
    /// What begins the waiting.
    public let after: Condition
    /// What ends it.
    public let expect: Condition
    /// How long is waited, in microseconds.
    public let within: Int64
    /// Each combination of the values of these fields is waited for by itself.
    public let groupBy: [FieldPath]
    let identity: [UInt8]
}
