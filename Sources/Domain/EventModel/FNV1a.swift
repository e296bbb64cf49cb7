/// The FNV-1a hash of 64 bits: small, fixed for all time, and not secure.
///
/// It decides where things are stored (parts of the log, `conversation_hash` of a frame), so it may never change.
/// Source: Fowler, Noll, Vo; RFC 9923.
public enum FNV1a {
    static let offsetBasis: UInt64 = 14_695_981_039_346_656_037
    static let prime: UInt64 = 1_099_511_628_211

    /// Hashes bytes in order.
    public static func hash64(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(offsetBasis) { hash, byte in (hash ^ UInt64(byte)) &* prime }
    }
}
