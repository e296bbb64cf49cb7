import EventModel

/// A stored trigger in one of its versions.
public struct Trigger: Sendable {
    /// The same for all versions.
    public let id: UniqueID
    /// Whose trigger it is.
    public let organizationID: UniqueID
    /// Counted from 1; every change makes a new one.
    public let version: Int32
    /// Whether it acts, or is only watched.
    public let role: TriggerRole
    /// What it does.
    public let definition: TriggerDefinition
    /// When the first version was made.
    public let createdAt: Timestamp
    /// When this version was made.
    public let updatedAt: Timestamp

    /// Makes a trigger of all its members.
    public init(
        id: UniqueID, organizationID: UniqueID, version: Int32, role: TriggerRole = .live,
        definition: TriggerDefinition,
        createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.organizationID = organizationID
        self.version = version
        self.role = role
        self.definition = definition
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}
