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

    private let trigger: Trigger
    private var engine = TriggerEngine()
    private var table = StateTable()
    private var keys: Set<StateKey> = []

    /// Begins with empty states.
    public init(_ trigger: Trigger) {
        self.trigger = trigger.enabled()
        engine.put(self.trigger)
    }

    /// Evaluates an event. They come in the order of the log.
    public mutating func take(_ event: ParsedEvent) -> [TriggerMatch] {
        prepare(event)
        return engine.evaluate(event, in: &table)
    }

    /// Evaluates an event, and says what its values are held against.
    public mutating func explain(_ event: ParsedEvent) -> Step {
        prepare(event)
        let (matches, explanation) = engine.evaluate(event, in: &table, explaining: trigger.id)
        return Step(matches: matches, explanation: explanation)
    }

    /// Fires the timers that are due at a moment or before it.
    public mutating func advance(to moment: Timestamp) -> [TriggerMatch] {
        engine.advance(to: moment, in: &table)
    }

    /// What the table lacks is nothing: there is no database behind it.
    private mutating func prepare(_ event: ParsedEvent) {
        keys.removeAll(keepingCapacity: true)
        engine.collectKeys(event, into: &keys)
        for key in keys where table.lacks(key) { try? table.load(key, nil) }
    }
}
