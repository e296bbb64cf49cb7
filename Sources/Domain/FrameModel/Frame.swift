import EventModel

/// One event as numbers of fixed size: what the ring holds, and what physics engines and models read.
///
/// The layout in memory, and every field's meaning, is docs/frame-format.md.
public struct Frame: Sendable, Equatable {
    /// How many values of an embedding a frame has room for.
    public static let dimensions = 1024

    /// The number of the frame in its ring, given when it is written.
    public var id: UInt64 = 0
    /// The event that the frame is of.
    public var eventID: UniqueID
    /// When the event happened.
    public var time: Timestamp
    /// FNV-1a of the organization's 16 bytes.
    public var organizationHash: UInt64
    /// FNV-1a of the subject; 0 without one.
    public var conversationHash: UInt64 = 0
    /// The embedding, at most ``dimensions`` values; empty without one.
    public var semantic: [Float] = []
    /// The embedding turned into a rotation.
    public var spin = Spin.identity
    /// Natural logarithm of the seconds since the conversation's previous event; 0 for the first.
    public var deltaTime: Float = 0
    /// The conversation's events per minute, over the last 60 seconds.
    public var velocity: Float = 0
    /// Milliseconds from received to published.
    public var durationMilliseconds: Float = 0
    /// Stable number of the event type.
    public var intentID: Int32 = 0
    /// Share of the learned schema's fields that the event has, 0 to 1.
    public var fillRate: Float = 0
    /// What the event's data says about itself.
    public var named = NamedValues()
    /// How good or bad the event sounds, −1 to 1; ``FrameFlags`` tell who says so.
    public var sentiment: Float = 0
    /// How its values came about.
    public var flags: FrameFlags = []

    /// Makes a frame of an event with everything else at its default.
    public init(eventID: UniqueID, time: Timestamp, organizationHash: UInt64) {
        self.eventID = eventID
        self.time = time
        self.organizationHash = organizationHash
    }
}
