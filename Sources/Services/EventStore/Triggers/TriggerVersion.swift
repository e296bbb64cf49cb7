import TriggerEngine

/// One version of a trigger, and what it is at present.
public struct TriggerVersion: Sendable {
    /// The trigger as this version has it; ``Trigger/updatedAt`` is when the version was made.
    public let trigger: Trigger
    /// What the version is at present; nil for one that is only kept.
    public let role: TriggerRole?

    /// Its number.
    public var number: Int32 { trigger.version }
}
