/// The parts of the event log (CONTRACT §6).
public enum LogPart {
    /// How many there are. Follower positions are stored per part, so the number is fixed.
    public static let count: Int16 = 64

    /// The part to which all events of an organization go, so that its triggers see one order.
    public static func part(of organization: UniqueID) -> Int16 {
        Int16(FNV1a.hash64(organization.bytes) % UInt64(count))
    }
}
