import EventModel

/// A trigger matched an event: what templates and payloads draw from.
public struct Firing: Sendable {
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
}
