import EventModel
import JSONTree

/// The event being matched, as bytes that are lent for the length of the match.
struct EventView {
    let nodes: JSONNodes
    let type: UnsafeBufferPointer<UInt8>
    /// Empty where no condition looks at it.
    let source: UnsafeBufferPointer<UInt8>
    /// Nil when the event has none.
    let subject: UnsafeBufferPointer<UInt8>?
    /// Empty where no condition looks at it.
    let id: UnsafeBufferPointer<UInt8>
    let time: Timestamp
    let receivedAt: Timestamp

    /// Lends a view of an event.
    ///
    /// - Parameter withMembers: whether source, subject and id are wanted; the type always is.
    static func of(_ event: ParsedEvent, withMembers: Bool, _ body: (EventView) -> Void) {
        let empty = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
        var type = event.event.type
        type.withUTF8 { type in
            event.data.withNodes { nodes in
                guard withMembers else {
                    body(
                        EventView(
                            nodes: nodes, type: type, source: empty, subject: nil, id: empty, time: event.event.time,
                            receivedAt: event.event.receivedAt))
                    return
                }
                var source = event.event.source
                var subject = event.event.subject ?? ""
                var id = event.event.id.description
                let hasSubject = event.event.subject != nil
                source.withUTF8 { source in
                    subject.withUTF8 { subject in
                        id.withUTF8 { id in
                            body(
                                EventView(
                                    nodes: nodes, type: type, source: source, subject: hasSubject ? subject : nil,
                                    id: id, time: event.event.time, receivedAt: event.event.receivedAt))
                        }
                    }
                }
            }
        }
    }
}
