import JSONTree

/// What a field of an event holds.
public enum FieldValue: Sendable {
    /// A text member of the event.
    case text(String)
    /// A time member of the event.
    case time(Timestamp)
    /// A value in the event's data.
    case json(JSONValue)
}

/// An event with its data parsed, once, for everything that looks into it.
public struct ParsedEvent: Sendable {
    /// The event.
    public let event: Event
    /// Its data, an object.
    public let data: JSONValue

    /// Parses the event's data, which the gateway has checked: an error means that the log is damaged.
    public init(_ event: consuming Event) throws(JSONError) {
        let data = try JSONDocument(event.data).root
        self.data = data
        self.event = event
    }

    /// The value of a field; nil when the event doesn't have it.
    public func value(at path: FieldPath) -> FieldValue? {
        switch path.root {
        case .type: .text(event.type)
        case .source: .text(event.source)
        case .subject: event.subject.map(FieldValue.text)
        case .id: .text(event.id.description)
        case .time: .time(event.time)
        case .receivedAt: .time(event.receivedAt)
        case .clock(let reading):
            .json(reading.json(at: reading.moment == .time ? event.time : event.receivedAt))
        case .data(nil): .json(data)
        case .data(let path?): data.value(at: path).map(FieldValue.json)
        }
    }
}
