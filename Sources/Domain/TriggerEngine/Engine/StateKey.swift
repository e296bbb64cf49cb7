import EventModel

/// Names one state of a trigger: that of a stateful leaf, or of its cooldown, for one group.
public struct StateKey: Hashable, Sendable {
    /// The trigger, whatever its version.
    public let triggerID: UniqueID
    /// Which of the trigger's states: a digest of all that the state depends on (not of what it is compared with), so
    /// that an edit which keeps a leaf keeps its state. Shadows have slots of their own.
    public let slot: Int64
    /// The values of `group_by` or `cooldown_by`, as a JSON array; empty without groups.
    public let group: [UInt8]
    /// Of all of it, by this process's seed: a key is looked up several times for an event.
    private let hash: Int

    /// Makes a key of its members.
    public init(triggerID: UniqueID, slot: Int64, group: [UInt8]) {
        self.triggerID = triggerID
        self.slot = slot
        self.group = group
        var hasher = Hasher()
        hasher.combine(triggerID)
        hasher.combine(slot)
        group.withUnsafeBytes { hasher.combine(bytes: $0) }
        hash = hasher.finalize()
    }

    /// Whether they name the same state.
    public static func == (one: StateKey, other: StateKey) -> Bool {
        one.hash == other.hash && one.slot == other.slot && one.triggerID == other.triggerID
            && one.group == other.group
    }

    /// Feeds the hash that was made with the key.
    public func hash(into hasher: inout Hasher) { hasher.combine(hash) }
}

/// A state that has changed since the changes were last taken.
public struct StateChange: Sendable {
    /// Which state.
    public let key: StateKey
    /// The state as it is stored; nil when there is nothing left to remember.
    public let bytes: [UInt8]?
    /// When its timer fires, on the clock of events' received times; nil without a timer.
    public let dueAt: Timestamp?
    /// When it is worth nothing any more; nil for never.
    public let expiresAt: Timestamp?

    /// Makes a change of its members.
    public init(key: StateKey, bytes: [UInt8]?, dueAt: Timestamp?, expiresAt: Timestamp?) {
        self.key = key
        self.bytes = bytes
        self.dueAt = dueAt
        self.expiresAt = expiresAt
    }
}
