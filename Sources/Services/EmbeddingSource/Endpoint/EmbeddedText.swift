/// The bytes of a text that a vector is wanted of, and what a cache is asked with.
struct EmbeddedText: Hashable, Sendable {
    let bytes: [UInt8]

    /// All bytes in one go; an array of them is hashed one by one.
    func hash(into hasher: inout Hasher) {
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}
