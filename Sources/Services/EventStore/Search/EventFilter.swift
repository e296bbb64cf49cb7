public import EventModel
import JSONTree
public import TriggerEngine

/// The direction of a list of events.
public enum EventOrder: String, Sendable, CaseIterable {
    /// Oldest first.
    case ascending = "asc"
    /// Newest first.
    case descending = "desc"
}

/// What events are narrowed to, in lists and in streams; nil means any.
public struct EventFilter: Sendable {
    /// This type alone.
    public var type: String?
    /// This subject alone.
    public var subject: String?
    /// This source alone.
    public var source: String?
    /// Received at or after this time.
    public var from: Timestamp?
    /// Received before this time.
    public var to: Timestamp?
    /// Words that it holds.
    public var text: TextQuery?
    /// What is true of it.
    public var condition: Condition? {
        didSet { compiled = condition.map { CompiledCondition($0) } }
    }
    private var compiled: CompiledCondition?

    /// Makes a filter.
    public init(
        type: String? = nil, subject: String? = nil, source: String? = nil, from: Timestamp? = nil,
        to: Timestamp? = nil, text: TextQuery? = nil, condition: Condition? = nil
    ) {
        self.type = type
        self.subject = subject
        self.source = source
        self.from = from
        self.to = to
        self.text = text
        self.condition = condition
        compiled = condition.map { CompiledCondition($0) }
    }

    /// Whether an event passes; the exact meaning of every list and stream.
    public func matches(_ event: ParsedEvent) -> Bool {
        matchesColumns(event.event) && matchesContents(event)
    }

    /// Whether an event passes by its members, for which its data need not be parsed.
    public func matchesColumns(_ event: Event) -> Bool {
        Self.isSame(type, event.type) && Self.isSame(subject, event.subject) && Self.isSame(source, event.source)
            && (from.map { event.receivedAt >= $0 } ?? true) && (to.map { event.receivedAt < $0 } ?? true)
    }

    /// By bytes, as PostgreSQL compares; Swift takes `é` and `e` with an accent for the same.
    private static func isSame(_ wanted: String?, _ text: String?) -> Bool {
        guard let wanted else { return true }
        guard let text else { return false }
        return wanted.utf8.elementsEqual(text.utf8)
    }

    /// Whether anything is asked of the data.
    public var looksIntoContents: Bool { text != nil || condition != nil }

    /// Whether an event passes by its words and the condition.
    public func matchesContents(_ event: ParsedEvent) -> Bool {
        (text?.matches(event) ?? true) && (compiled?.evaluate(event) ?? true)
    }
}
