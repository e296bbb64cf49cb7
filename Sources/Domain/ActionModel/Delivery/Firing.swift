import EventModel
import JSONTree

/// A trigger matched an event: what templates and payloads draw from. An object, because it is handed on by many and
/// changed by none.
public final class Firing: Sendable {
    /// The firing's own id.
    public let id: UniqueID
    /// Which trigger fired.
    public let triggerID: UniqueID
    /// Its name at the time.
    public let triggerName: String
    /// Its version at the time.
    public let triggerVersion: Int32
    /// When it fired.
    public let firedAt: Timestamp
    /// The event that made it fire.
    public let event: ParsedEvent

    /// Makes a firing of all its members.
    public init(
        id: UniqueID, triggerID: UniqueID, triggerName: String, triggerVersion: Int32, firedAt: Timestamp,
        event: ParsedEvent
    ) {
        self.id = id
        self.triggerID = triggerID
        self.triggerName = triggerName
        self.triggerVersion = triggerVersion
        self.firedAt = firedAt
        self.event = event
    }

    /// What is said of a firing where nothing else was asked for: `{"trigger": {…}, "event": {…}, "firing_id"}`.
    var data: [UInt8] {
        var writer = JSONWriter()
        writer.object {
            $0.key("trigger")
            $0.object {
                $0.member("id", triggerID.description)
                $0.member("name", triggerName)
                $0.member("version", Int(triggerVersion))
            }
            $0.key("event")
            event.event.write(to: &$0)
            $0.member("firing_id", id.description)
        }
        return writer.bytes
    }
}
