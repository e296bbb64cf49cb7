import EventModel

/// The enabled triggers of one organization, indexed by what could match an event.
public struct TriggerSet: Sendable {
    private let triggers: [Trigger]
    private var index = ConditionIndex()
    private var matching: [ConditionIndex.Entry] = []

    /// Compiles triggers; disabled ones are left out.
    public init(_ triggers: [Trigger]) {
        self.triggers = triggers.filter(\.definition.enabled)
        // Nothing is removed, so the entries are numbered as the triggers are.
        for trigger in self.triggers {
            _ = index.add(trigger.definition.condition, eventTypes: trigger.definition.eventTypes)
        }
    }

    /// The triggers that an event fires, in the order in which they were given.
    public mutating func matches(_ event: ParsedEvent) -> [Trigger] {
        matching.removeAll(keepingCapacity: true)
        index.match(event, into: &matching)
        matching.sort()
        return matching.map { triggers[$0] }
    }
}
