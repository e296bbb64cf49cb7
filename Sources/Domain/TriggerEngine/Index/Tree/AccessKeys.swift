import JSONTree

/// How keys of nodes are made: what the index of a partition is asked with.
enum AccessKey {
    /// The longest piece of a text that is a key.
    static let longestPiece = 4

    /// - Parameters:
    ///   - mark: what kind of key it is, 0 to 7.
    static func of(_ partition: Int32, mark: UInt64 = 0, _ payload: UInt32 = 0) -> UInt64 {
        UInt64(UInt32(bitPattern: partition)) << 35 | mark << 32 | UInt64(payload)
    }

    /// Of a value.
    static func of(_ partition: Int32, value: Int32) -> UInt64 { of(partition, UInt32(bitPattern: value)) }

    /// Of a piece of 1 to 4 bytes.
    static func piece(_ partition: Int32, _ bytes: UnsafePointer<UInt8>, count: Int) -> UInt64 {
        var piece: UInt32 = 0
        for index in 0..<count { piece = piece << 8 | UInt32(bytes[index]) }
        return of(partition, mark: UInt64(count), piece)
    }

    /// Of a prefix or a suffix. Different ones can have one key.
    static func of(_ partition: Int32, hash: UInt64, length: Int) -> UInt64 {
        of(partition, mark: UInt64(length & 7), UInt32(truncatingIfNeeded: hash >> 32))
    }

    /// Of the first bits of an address. Different ones can have one key.
    static func of(_ partition: Int32, _ address: Address, prefixLength: Int) -> UInt64 {
        let bits = prefixLength == 0 ? 0 : address.bits >> UInt128(address.bitCount - prefixLength)
        let hash = ByteString.fold(
            UInt64(truncatingIfNeeded: bits) ^ 0x9E37_79B9_7F4A_7C15,
            UInt64(truncatingIfNeeded: bits >> 64) ^ 0xE703_7ED1_A0B4_28DB)
        return of(partition, mark: address.isVersion4 ? 1 : 0, UInt32(truncatingIfNeeded: hash))
    }

    /// What cells of intervals are asked with.
    static func cell(_ partition: Int32, _ class: PlaceInterval.Class) -> Int32 {
        partition << 2 | Int32(`class`.rawValue)
    }

    /// The partition that a key of cells is of.
    static func partition(_ cell: Int32) -> Int32 { cell >> 2 }

    /// The length under which a block of addresses is listed.
    static func length(isVersion4: Bool, prefixLength: Int) -> Int { isVersion4 ? prefixLength : 64 + prefixLength }

    /// The number of bits that such a length says; nil for blocks of the other version.
    static func prefixLength(_ length: Int, isVersion4: Bool) -> Int? {
        guard isVersion4 == (length < 64) else { return nil }
        return isVersion4 ? length : length - 64
    }
}

/// A hash that grows by a byte at a time, so that all beginnings of a text are hashed in one go.
struct RunningHash {
    private var state: UInt64 = 14_695_981_039_346_656_037

    mutating func add(_ byte: UInt8) { state = (state ^ UInt64(byte)) &* 0xA076_1D64_78BD_642F }

    var value: UInt64 { state ^ state >> 29 }
}
