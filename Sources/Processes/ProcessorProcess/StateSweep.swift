import EventModel
import EventStore
import TriggerEngine

/// Where the sweep of expired states stands in each part.
///
/// It walks through the rows in small steps: a step of one part at rest at a time, and now and then one of a part that
/// is never at rest, within the transaction of a batch.
struct StateSweep {
    /// Most rows looked at in a step.
    static let step = 1_000
    /// How long after its time a state goes: more than the clocks of gateways may differ by.
    static let grace = Duration.seconds(60)
    /// How long a part may go without a step while it is busy.
    private static let pause = Duration.seconds(2)

    private var part: Int16 = .random(in: 0..<LogPart.count)
    private var places: [Int16: StateKey] = [:]
    private var lastSteps: [Int16: ContinuousClock.Instant] = [:]

    /// The part whose turn it is: the same again, as long as the walk through it has not come to its end.
    mutating func nextPart() -> Int16 {
        if places[part] == nil { part = (part + 1) % LogPart.count }
        return part
    }

    /// Where the next step of a part begins; nil at its first row.
    func place(in part: Int16) -> StateKey? { places[part] }

    /// Notes where a step has ended.
    mutating func advance(_ part: Int16, to place: StateKey?) {
        places[part] = place
        lastSteps[part] = .now
    }

    /// Whether a busy part has waited long enough.
    func isDue(_ part: Int16) -> Bool {
        lastSteps[part].map { $0.duration(to: .now) > Self.pause } ?? true
    }
}
