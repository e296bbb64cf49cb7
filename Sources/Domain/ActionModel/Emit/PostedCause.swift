import EventModel
import JSONTree

/// From which event one follows that somebody posts, such as a model's judgement of it: the members `cause` and `depth`
/// of its metadata, as derived events have them, without a trigger.
public struct PostedCause: Sendable, Equatable {
    private let eventID: UniqueID
    private let depth: Int

    /// The cause that an event is; nil when so many lie before it that nothing more may follow.
    public init?(_ event: Event) {
        depth = Derivation.depth(of: event) + 1
        guard depth <= Derivation.maximumDepth else { return nil }
        eventID = event.id
    }

    /// The metadata, a JSON object.
    public var json: [UInt8] {
        var writer = JSONWriter()
        writer.object {
            $0.key("cause")
            $0.object { $0.member("event_id", eventID.description) }
            $0.member("depth", depth)
        }
        return writer.bytes
    }
}
