import EventModel
import JSONTree

/// From what an event was derived: the members `cause` and `depth` of its metadata.
public struct Derivation: Sendable, Equatable {
    /// Events that derive from so many others, one from the other, have none that derive from them.
    public static let maximumDepth = 8

    /// The event whose trigger fired.
    public let eventID: UniqueID
    /// The trigger.
    public let triggerID: UniqueID
    /// The firing.
    public let firingID: UniqueID
    /// How many events lie between this one and one that nobody derived, plus 1.
    public let depth: Int

    /// The derivation of what a firing makes.
    init(of firing: Firing) {
        eventID = firing.event.event.id
        triggerID = firing.triggerID
        firingID = firing.id
        depth = Self.depth(of: firing.event.event) + 1
    }

    /// The derivation of what a firing makes.
    ///
    /// - Throws: when it would be too deep.
    init(following firing: Firing) throws(EmitError) {
        self.init(of: firing)
        guard depth <= Self.maximumDepth else { throw .depth(depth) }
    }

    /// Who says the derived event.
    var source: String { "collider/triggers/\(triggerID)" }

    /// How deep an event is itself: 0 when it was not derived.
    static func depth(of event: Event) -> Int {
        guard let metadata = event.metadata, let root = try? JSONDocument(metadata).root, root["cause"] != nil,
            let depth = root["depth"]?.int64
        else { return 0 }
        // What is out of range nobody has derived; it counts as deep, so that it can start no endless chain.
        return (0...Int64(maximumDepth)).contains(depth) ? Int(depth) : maximumDepth
    }

    /// The metadata, a JSON object.
    var json: [UInt8] {
        var writer = JSONWriter()
        writer.object {
            $0.key("cause")
            $0.object {
                $0.member("event_id", eventID.description)
                $0.member("trigger_id", triggerID.description)
                $0.member("firing_id", firingID.description)
            }
            $0.member("depth", depth)
        }
        return writer.bytes
    }
}
