import EventModel
import JSONTree

/// A trigger and a few events to try it with, and what comes of each: `POST /triggers/test`.
public struct TriggerRehearsal: Sendable {
    /// What comes of one event.
    public struct Outcome: Sendable {
        /// The event.
        public let event: ParsedEvent
        /// The truth value of each node of the condition; nil when the event's type does not reach the trigger.
        public let explanation: [UInt8]?
        /// The match of the event, suppressed or not; an absence may match long after it.
        public fileprivate(set) var match: TriggerMatch?

        /// Whether the trigger fires for the event.
        public var isFired: Bool { match.map { !$0.isSuppressed } ?? false }
    }

    /// One of each event, in their order.
    public private(set) var outcomes: [Outcome] = []

    /// Runs a trigger over events.
    ///
    /// - Parameters:
    ///   - events: in the order of the log.
    ///   - until: how far the clock goes on after the last event, for what fires when nothing comes; nil leaves it.
    public init(_ trigger: Trigger, events: [ParsedEvent], until: Timestamp?) {
        var run = TriggerDryRun(trigger)
        var matches: [TriggerMatch] = []
        for event in events {
            let step = run.explain(event)
            matches += step.matches
            outcomes.append(Outcome(event: event, explanation: step.explanation))
        }
        if let until { matches += run.advance(to: until) }
        let byEvent = Dictionary(matches.map { ($0.event.id, $0) }) { first, _ in first }
        for index in outcomes.indices { outcomes[index].match = byEvent[outcomes[index].event.event.id] }
    }
}
