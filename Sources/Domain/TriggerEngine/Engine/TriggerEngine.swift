import EventModel

/// The triggers of one organization: what they are, and what an event makes of them.
///
/// It is a pure function of the triggers, the states and the events given to it, in log order: a replay gives the same
/// matches, and it makes no difference where a batch is split.
public struct TriggerEngine: Sendable {
    /// Makes an engine without triggers.
    public init() {}

    /// How many triggers there are.
    public var count: Int { 0 }

    /// Adds a trigger, or replaces the one of the same id and role. A disabled trigger is left out, and its states stay
    /// in the database.
    public mutating func put(_ trigger: Trigger) {}

    /// Removes a trigger.
    public mutating func remove(_ id: UniqueID, role: TriggerRole = .live) {}

    /// Adds the keys of all states that evaluating an event can read or write. The table has to have them by then.
    public mutating func collectKeys(_ event: ParsedEvent, into keys: inout Set<StateKey>) {}

    /// Evaluates an event: fires the timers of the table that were due before it was received, lets every state see
    /// it, and gives the matches in the order of the triggers' ids.
    public mutating func evaluate(_ event: ParsedEvent, in table: inout StateTable) -> [TriggerMatch] { [] }

    /// The same, and the truth value of each node of one trigger's condition, also when it was not true; nil when the
    /// event's type does not reach the trigger.
    public mutating func evaluate(
        _ event: ParsedEvent, in table: inout StateTable, explaining id: UniqueID, role: TriggerRole = .live
    ) -> (matches: [TriggerMatch], explanation: [UInt8]?) { ([], nil) }

    /// Fires the timers of the table that are due at a moment or before it.
    public mutating func advance(to moment: Timestamp, in table: inout StateTable) -> [TriggerMatch] { [] }
}

/// Whether a version of a trigger acts, or is only watched beside the one that does.
public enum TriggerRole: String, Sendable, CaseIterable {
    /// It fires.
    case live
    /// Its firings are recorded, and nothing follows from them.
    case shadow
}
