import EventModel

/// What ties events together in time: the events of one organization about one subject.
///
/// Only hashes, because a frame has no more, and kinetics are built again from frames after a restart. An event
/// without a subject, or with an empty one, belongs to no conversation.
public struct Conversation: Hashable, Sendable {
    /// FNV-1a of the organization's 16 bytes.
    public let organizationHash: UInt64
    /// FNV-1a of the subject.
    public let subjectHash: UInt64

    /// Makes a conversation of its hashes; nil for the hash that stands for no subject.
    public init?(organizationHash: UInt64, subjectHash: UInt64) {
        guard subjectHash != 0 else { return nil }
        self.organizationHash = organizationHash
        self.subjectHash = subjectHash
    }

    /// The conversation of an event; nil when it has no subject.
    public init?(_ event: Event) {
        guard let subject = event.subject, !subject.isEmpty else { return nil }
        self.init(
            organizationHash: Self.organizationHash(event.organizationID), subjectHash: FNV1a.hash64(subject.utf8))
    }

    /// The hash of an organization, as frames have it.
    public static func organizationHash(_ organizationID: UniqueID) -> UInt64 { FNV1a.hash64(organizationID.bytes) }
}
