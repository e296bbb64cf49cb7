import EventModel
import JSONTree

/// Makes a new event of a firing, in the log that the triggers read.
///
/// It is part of the firing and not a delivery: the event enters the log in the transaction that writes the firing, so
/// there is nothing to try again, and nothing that could be lost.
public struct EmitAction: Sendable {
    /// Most bytes of the data.
    static let maximumDataBytes = 1024 * 1024
    /// Most bytes of a subject: its characters have at most four each.
    static let maximumSubjectBytes = 4 * EventEnvelope.subjectLength
    /// What begins the types of Collider's own events, which nobody else makes.
    static let reservedPrefix = "collider."

    /// The type of the event.
    public let eventType: String
    let data: JSONTemplate?
    /// The data as written, for showing it again.
    let dataSource: [UInt8]?
    let subject: Template?

    /// Reads `{"event_type", "data"?, "subject"?}`.
    init(_ value: JSONValue, pointer: String) throws(JSONValidationError) {
        var reader = ObjectReader(value, pointer: pointer)
        let type = reader.derivedType("event_type", required: true)
        let dataValue = reader.member("data")
        dataSource = dataValue.map { Array($0.source) }
        if let dataValue, dataValue.kind != .object { reader.refuse("data", "must be an object") }
        let dataPlace = reader.pointer(to: "data")
        data = dataValue.flatMap { value in
            reader.attempt { () throws(JSONValidationError) -> JSONTemplate in
                try JSONTemplate.read(value, pointer: dataPlace)
            }
        }
        let subjectPlace = reader.pointer(to: "subject")
        subject = reader.string("subject", length: 1...EventEnvelope.subjectLength).flatMap { text in
            reader.attempt { () throws(JSONValidationError) -> Template in try Template(text, pointer: subjectPlace) }
        }
        try reader.finish()
        guard let type else { throw JSONValidationError(pointer: pointer, detail: "has no event_type") }
        eventType = type
    }

    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("event_type", eventType)
            if let dataSource { $0.memberRaw("data", dataSource) }
            if let subject { $0.member("subject", subject.source) }
        }
    }
}

extension EmitAction {
    /// Renders the event that follows from a firing; without `data` it says what the payload of a `rest` action does.
    ///
    /// - Parameters:
    ///   - firing: whose event is the cause.
    ///   - time: when the condition came true.
    /// - Throws: ``EmitError`` when it is no event that the log takes, or derives from too many others.
    public func envelope(for firing: Firing, at time: Timestamp) throws(EmitError) -> EventEnvelope {
        let derivation = try Derivation(following: firing)
        return EventEnvelope(
            type: eventType, source: derivation.source, subject: try renderSubject(firing),
            time: time, traceparent: firing.event.event.traceparent, data: try renderData(firing),
            metadata: derivation.json)
    }

    private func renderSubject(_ firing: Firing) throws(EmitError) -> String? {
        let text: String
        do throws(RenderingError) {
            guard
                let rendered = try subject?.render(
                    firing, escaping: .none, limit: Self.maximumSubjectBytes, of: .subject), !rendered.isEmpty
            else { return nil }
            text = rendered
        } catch {
            throw .content(error.description)
        }
        guard EventEnvelope.isFit(text, upTo: EventEnvelope.subjectLength) else {
            throw .content("the subject has more than \(EventEnvelope.subjectLength) or control characters")
        }
        return text
    }

    private func renderData(_ firing: Firing) throws(EmitError) -> [UInt8] {
        let bytes: [UInt8]
        do throws(RenderingError) {
            bytes = try data?.render(firing, limit: Self.maximumDataBytes, of: .data) ?? firing.data
        } catch {
            throw .content(error.description)
        }
        guard bytes.count <= Self.maximumDataBytes else {
            throw .content("the data has more than \(Self.maximumDataBytes) bytes")
        }
        // A value that is put in brings its own nesting.
        do throws(JSONError) {
            _ = try JSONDocument(bytes)
        } catch {
            throw .content("the data is refused: \(error)")
        }
        return bytes
    }
}

extension ObjectReader {
    /// The type of an event that an action makes.
    mutating func derivedType(_ name: String, required: Bool = false) -> String? {
        let prefix = EmitAction.reservedPrefix
        let type = string(name, required: required, length: 1...EventEnvelope.typeLength)
        if let type, !EventEnvelope.isFit(type, upTo: EventEnvelope.typeLength) {
            refuse(name, "has control characters")
        } else if let type, type.utf8.starts(with: prefix.utf8) {
            refuse(name, "can't begin with \(prefix), as Collider's own events do")
        }
        return type
    }
}

/// Why a firing has made no event; trying again would give the same.
public enum EmitError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The event would be derived from so many others, one from the other.
    case depth(Int)
    /// The log would refuse what was rendered.
    case content(String)
    /// The event that fired is gone, and with it what could be put in.
    case noEvent
    /// Too many events follow from those that were evaluated together.
    case tooMany

    /// What is wrong.
    public var description: String {
        switch self {
        case .depth(let depth): "depth \(depth) is over \(Derivation.maximumDepth)"
        case .content(let detail): detail
        case .noEvent: "the event is no longer stored"
        case .tooMany: "too many events follow from one batch"
        }
    }
}
