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
        withBytes(event.event.type) { type in
            event.data.withNodes { nodes in
                guard withMembers else {
                    body(EventView(event, nodes, type, source: empty, subject: nil, id: empty))
                    return
                }
                withBytes(event.event.source) { source in
                    withBytes(event.event.subject ?? "") { subject in
                        withBytes(event.event.id.description) { id in
                            let subject = event.event.subject == nil ? nil : subject
                            body(EventView(event, nodes, type, source: source, subject: subject, id: id))
                        }
                    }
                }
            }
        }
    }

    private init(
        _ event: ParsedEvent, _ nodes: JSONNodes, _ type: UnsafeBufferPointer<UInt8>,
        source: UnsafeBufferPointer<UInt8>, subject: UnsafeBufferPointer<UInt8>?, id: UnsafeBufferPointer<UInt8>
    ) {
        self.nodes = nodes
        self.type = type
        self.source = source
        self.subject = subject
        self.id = id
        time = event.event.time
        receivedAt = event.event.receivedAt
    }

    /// Lends the bytes of a text without copying it, which `withUTF8` would.
    private static func withBytes(_ text: String, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        guard text.utf8.withContiguousStorageIfAvailable(body) == nil else { return }
        var copy = text
        copy.withUTF8(body)
    }
}
