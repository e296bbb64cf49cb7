import EventModel

/// The enabled triggers of one organization, compiled and indexed by event type.
///
/// A trigger that names its types exactly is found by one look-up and costs the other types nothing; only those with
/// a `*`, or without types, are asked for every event.
public struct TriggerSet: Sendable {
    private struct Entry: Sendable {
        let trigger: Trigger
        let condition: CompiledCondition?
    }

    private let entries: [Entry]
    /// Indices of entries by type, compared by bytes.
    private var exact: [[UInt8]: [Int]] = [:]
    /// Indices of the other entries.
    private var patterns: [Int] = []

    /// Compiles triggers; disabled ones are left out.
    public init(_ triggers: [Trigger]) {
        entries = triggers.filter(\.definition.enabled).map {
            Entry(trigger: $0, condition: $0.definition.condition.map(CompiledCondition.init))
        }
        for (index, entry) in entries.enumerated() {
            let types = entry.trigger.definition.eventTypes
            let literals = Set(types.compactMap(\.literal))
            if !types.isEmpty, types.allSatisfy({ $0.literal != nil }) {
                for literal in literals { exact[literal, default: []].append(index) }
            } else {
                patterns.append(index)
            }
        }
    }

    /// The triggers that an event fires, in the order in which they were given.
    public func matches(_ event: ParsedEvent) -> [Trigger] {
        guard !entries.isEmpty else { return [] }
        let type = event.event.type
        let named = exact[Array(type.utf8)] ?? []
        let matching = patterns.filter { index in
            let types = entries[index].trigger.definition.eventTypes
            return types.isEmpty || types.contains { $0.matches(type) }
        }
        let candidates = matching.isEmpty ? named : (named + matching).sorted()
        return candidates.compactMap { index in
            let entry = entries[index]
            return entry.condition?.evaluate(event) ?? true ? entry.trigger : nil
        }
    }
}
