import ActionModel
import EventModel
import JSONTree
import Runtime

/// The events of a test: as they are sent, or as they are shown once stored, with the time at which they are received.
///
/// That is `received_at`, or else `time`, or else now. It decides about windows and timers, and never goes back.
struct TestedEvents {
    static let maximumCount = 1_000

    let events: [ParsedEvent]

    /// Reads `event` or `events`.
    init(_ reader: inout ObjectReader, organizationID: UniqueID) {
        let one = reader.member("event").map { [($0, reader.pointer(to: "event"))] }
        let many = reader.array("events", count: 1...Self.maximumCount)?.map { ($0.element, $0.pointer) }
        if (one == nil) == (many == nil) { reader.refuse("give either event or events") }
        var events: [ParsedEvent] = []
        var latest = Timestamp(microseconds: 0)
        for (value, pointer) in one ?? many ?? [] {
            let event = reader.attempt { () throws(JSONValidationError) -> ParsedEvent in
                let (envelope, stored) = try Self.read(value, pointer)
                latest = max(latest, stored.receivedAt ?? envelope.time ?? .now())
                return try Self.event(
                    envelope, id: stored.id, receivedAt: latest, position: Int64(events.count) + 1, organizationID,
                    pointer)
            }
            if let event { events.append(event) }
        }
        self.events = events
    }

    /// What only a stored event has.
    private struct Stored {
        var id: UniqueID?
        var receivedAt: Timestamp?
    }

    private static func read(
        _ value: JSONValue, _ pointer: String
    ) throws(JSONValidationError) -> (EventEnvelope, Stored) {
        var stored = Stored(id: value["id"]?.string.flatMap { UniqueID($0) })
        if let receivedAt = value["received_at"], !receivedAt.isNull {
            guard let moment = receivedAt.string.flatMap({ Timestamp(rfc3339: $0) }) else {
                throw JSONValidationError(
                    pointer: JSONPointer.member("received_at", of: pointer),
                    detail: "must be an RFC 3339 time with a zone, such as 2026-03-01T09:30:00Z")
            }
            stored.receivedAt = moment
        }
        guard value.kind == .object else { return (try EventEnvelope(value, pointer: pointer), stored) }
        var sent = JSONWriter()
        sent.object { object in
            for (name, member) in value.members where !["received_at", "producer_id", "metadata"].contains(name) {
                object.memberRaw(name, member.source)
            }
        }
        guard let document = try? JSONDocument(sent.bytes) else {
            throw JSONValidationError(pointer: pointer, detail: "can't be read")
        }
        return (try EventEnvelope(document.root, pointer: pointer), stored)
    }

    private static func event(
        _ envelope: EventEnvelope, id: UniqueID?, receivedAt: Timestamp, position: Int64, _ organizationID: UniqueID,
        _ pointer: String
    ) throws(JSONValidationError) -> ParsedEvent {
        let event = Event(
            id: id ?? .generate(at: receivedAt), organizationID: organizationID,
            part: LogPart.part(of: organizationID), position: position, type: envelope.type, source: envelope.source,
            subject: envelope.subject, time: envelope.time ?? receivedAt, receivedAt: receivedAt,
            producerID: envelope.producerID, traceparent: envelope.traceparent, data: envelope.data)
        do throws(JSONError) {
            return try ParsedEvent(event)
        } catch {
            throw JSONValidationError(
                pointer: JSONPointer.member("data", of: pointer), detail: "can't be read: \(error)")
        }
    }
}
