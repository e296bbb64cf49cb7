/// Work on bytes, eight at a time.
public enum ByteString {
    /// Whether two byte strings of the same length are the same.
    @inlinable
    public static func isEqual(_ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>, count: Int) -> Bool {
        let left = UnsafeRawPointer(left)
        let right = UnsafeRawPointer(right)
        var offset = 0
        while offset + 8 <= count {
            if left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                != right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            {
                return false
            }
            offset += 8
        }
        guard offset < count else { return true }
        if count >= 8 {
            return left.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
                == right.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
        }
        while offset < count {
            if left.load(fromByteOffset: offset, as: UInt8.self) != right.load(fromByteOffset: offset, as: UInt8.self) {
                return false
            }
            offset += 1
        }
        return true
    }

    /// A hash of 64 bits, fast and of no use against an enemy; it may change with every release.
    @inlinable
    public static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
        guard let base = bytes.baseAddress else { return 0x9E37_79B9_7F4A_7C15 }
        let start = UnsafeRawPointer(base)
        let count = bytes.count
        var hash = UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15
        var offset = 0
        while offset + 8 <= count {
            hash = fold(hash ^ start.loadUnaligned(fromByteOffset: offset, as: UInt64.self), 0xA076_1D64_78BD_642F)
            offset += 8
        }
        var rest: UInt64 = 0
        if offset < count, count >= 8 {
            rest = start.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
        } else {
            while offset < count {
                rest = rest << 8 | UInt64(start.load(fromByteOffset: offset, as: UInt8.self))
                offset += 1
            }
        }
        return fold(hash ^ rest, 0xE703_7ED1_A0B4_28DB)
    }

    /// Multiplies to 128 bits and folds the halves, which mixes all bits.
    @inlinable
    public static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}
