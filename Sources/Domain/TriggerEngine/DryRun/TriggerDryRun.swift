import EventModel

/// One trigger over events that nobody stores, from states that are empty at first: for tests, explanations and
/// backtests.
///
/// It is the engine that evaluates live, so what it says is what would have happened. A disabled trigger is run too.
public struct TriggerDryRun: Sendable {
    /// What became of an event.
    public struct Step: Sendable {
        /// The matches, of this event and of timers that were due before it.
        public let matches: [TriggerMatch]
        /// The truth value of each node of the condition; nil when the event's type does not reach the trigger.
        public let explanation: [UInt8]?
    }

    /// From how many states on those that have expired are looked for.
    private static let firstSweep = 65_536

    private let trigger: Trigger
    private var engine = TriggerEngine()
    /// Nothing is loaded into it: what it lacks is nothing.
    private var table = StateTable()
    private var nextSweep = TriggerDryRun.firstSweep

    /// Begins with empty states.
    public init(_ trigger: Trigger) {
        self.trigger = trigger.enabled()
        engine.put(self.trigger)
    }

    /// How many states it holds.
    public var states: Int { table.count }

    /// Evaluates an event. They come in the order of the log.
    public mutating func take(_ event: ParsedEvent) -> [TriggerMatch] {
        sweep(at: event.event.receivedAt)
        return engine.evaluate(event, in: &table)
    }

    /// Evaluates an event, and says what its values are held against.
    public mutating func explain(_ event: ParsedEvent) -> Step {
        sweep(at: event.event.receivedAt)
        let (matches, explanation) = engine.evaluate(event, in: &table, explaining: trigger.id)
        return Step(matches: matches, explanation: explanation)
    }

    /// Fires the timers that are due at a moment or before it.
    public mutating func advance(to moment: Timestamp) -> [TriggerMatch] {
        engine.advance(to: moment, in: &table)
    }

    /// Each time that there are twice as many states as were left by the last time, so that it costs little.
    private mutating func sweep(at moment: Timestamp) {
        guard table.count >= nextSweep else { return }
        table.forgetExpired(at: moment)
        nextSweep = max(Self.firstSweep, 2 * table.count)
    }
}
