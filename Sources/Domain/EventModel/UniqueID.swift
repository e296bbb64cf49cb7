/// A UUID, as two halves in big-endian order.
public struct UniqueID: Hashable, Sendable {
    /// The first eight bytes.
    public let high: UInt64
    /// The last eight bytes.
    public let low: UInt64

    /// Makes an id of its halves.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Makes an id of its 16 bytes; any other number of them is a programming error.
    public init(bytes: some Collection<UInt8>) {
        precondition(bytes.count == 16, "a UUID has 16 bytes")
        var halves: (high: UInt64, low: UInt64) = (0, 0)
        for (position, byte) in bytes.enumerated() {
            if position < 8 {
                halves.high = halves.high << 8 | UInt64(byte)
            } else {
                halves.low = halves.low << 8 | UInt64(byte)
            }
        }
        self.init(high: halves.high, low: halves.low)
    }

    /// The 16 bytes.
    public var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
            for position in 0..<8 {
                let shift = UInt64(56 - 8 * position)
                buffer[position] = UInt8(truncatingIfNeeded: high >> shift)
                buffer[position + 8] = UInt8(truncatingIfNeeded: low >> shift)
            }
            count = 16
        }
    }
}

extension UniqueID: Comparable {
    /// The order of the bytes, in which version 7 ids sort by time.
    public static func < (left: UniqueID, right: UniqueID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

// MARK: - Version 7

extension UniqueID {
    /// Makes a version 7 id (RFC 9562 §5.7): 48 bits of milliseconds since 1970, then 74 bits of randomness.
    public static func version7(milliseconds: Int64, random: (UInt64, UInt64)) -> UniqueID {
        let time = UInt64(bitPattern: milliseconds) << 16
        return UniqueID(
            high: time | 0x7000 | (random.0 & 0x0FFF),
            low: 0x8000_0000_0000_0000 | (random.1 & 0x3FFF_FFFF_FFFF_FFFF))
    }

    /// The milliseconds since 1970 in a version 7 id; of any other version it has no meaning.
    public var timestampMilliseconds: Int64 { Int64(high >> 16) }
}

// MARK: - Text

extension UniqueID: CustomStringConvertible {
    /// Parses the form 8-4-4-4-12 of hexadecimal digits in either case; nil for anything else.
    public init?(_ text: String) {
        var text = text
        let halves: (high: UInt64, low: UInt64)? = text.withUTF8 { utf8 in
            guard utf8.count == 36 else { return nil }
            var halves: (high: UInt64, low: UInt64) = (0, 0)
            for position in 0..<36 {
                if Self.isHyphen(position) {
                    guard utf8[position] == UInt8(ascii: "-") else { return nil }
                    continue
                }
                guard let digit = Self.hexadecimalValue(utf8[position]) else { return nil }
                if position < 18 {
                    halves.high = halves.high << 4 | digit
                } else {
                    halves.low = halves.low << 4 | digit
                }
            }
            return halves
        }
        guard let halves else { return nil }
        self.init(high: halves.high, low: halves.low)
    }

    /// The form 8-4-4-4-12 in lowercase.
    public var description: String {
        String(unsafeUninitializedCapacity: 36) { buffer in
            var nibble = 0
            for position in 0..<36 {
                if Self.isHyphen(position) {
                    buffer[position] = UInt8(ascii: "-")
                    continue
                }
                let half = nibble < 16 ? high : low
                let digit = UInt8(truncatingIfNeeded: half >> UInt64(60 - 4 * (nibble & 15))) & 15
                buffer[position] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                nibble += 1
            }
            return 36
        }
    }

    private static func isHyphen(_ position: Int) -> Bool {
        position == 8 || position == 13 || position == 18 || position == 23
    }

    private static func hexadecimalValue(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
