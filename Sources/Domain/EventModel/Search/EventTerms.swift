import JSONTree

/// The terms of one event, a bounded number of them.
public struct EventTerms: Sendable {
    /// Most terms of an event. One with more is marked, and looked at whatever is searched.
    public static let maximumCount = 256

    /// What the event is found by.
    public private(set) var terms: Set<Int64> = []
    /// Whether terms are missing.
    public private(set) var isTruncated = false

    /// Collects the terms of an event.
    public init(_ event: ParsedEvent, in space: TermSpace) {
        add(.type, event.event.type, space)
        add(.source, event.event.source, space)
        if let subject = event.event.subject { add(.subject, subject, space) }
        add(event.data, at: space.root, space)
    }

    private mutating func add(_ term: Int64) {
        guard terms.count < Self.maximumCount else {
            if !terms.contains(term) { isTruncated = true }
            return
        }
        terms.insert(term)
    }

    private mutating func add(_ member: TermSpace.Member, _ text: String, _ space: TermSpace) {
        add(space.member(member, text))
        var text = text
        text.withUTF8 { addWords($0, space) }
    }

    private mutating func add(_ value: JSONValue, at place: TermPath, _ space: TermSpace) {
        guard !isTruncated else { return }
        add(place.kind(value.kind))
        switch value.kind {
        case .null: add(place.null)
        case .boolean: add(place.boolean(value.bool == true))
        case .integer, .number: if let number = value.number { add(place.number(number)) }
        case .string:
            _ = value.withUTF8 { text in
                if text.count <= TermSpace.longestText { add(place.text(text)) }
                addWords(text, space)
            }
        case .array: for element in value.elements where !isTruncated { add(element, at: place.element, space) }
        case .object:
            for (key, member) in value.members where !isTruncated { add(member, at: place.member(key), space) }
        }
    }

    private mutating func addWords(_ text: UnsafeBufferPointer<UInt8>, _ space: TermSpace) {
        Words.forEach(in: text) { word in
            add(space.word(word))
            return !isTruncated
        }
    }
}

extension TextQuery {
    /// Terms that every event has that this matches.
    public func terms(in space: TermSpace) -> Set<Int64> {
        Set(phrases.joined().map { space.word($0) })
    }
}
