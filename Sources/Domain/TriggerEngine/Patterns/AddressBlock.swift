/// A block of IP addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address.
///
/// IPv4 addresses written as IPv6 (`::ffff:10.0.0.1`) count as IPv4. Addresses are taken in their standard text forms
/// only (RFC 4291 §2.2; four decimal numbers without leading zeros), without zones.
package struct AddressBlock: Sendable, Equatable {
    let address: Address
    let prefixLength: Int

    /// Reads a block or an address; nil for anything else.
    package init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let written = Array(parts[0]).withUnsafeBufferPointer(Address.parse) else { return nil }
        var length = written.bitCount
        if parts.count == 2 {
            guard let number = Int(String(decoding: parts[1], as: UTF8.self)), parts[1].first != UInt8(ascii: "+"),
                (0...written.bitCount).contains(number)
            else { return nil }
            length = number
        }
        let isMapped = written.isMapped && length >= 96
        address = isMapped ? written.unmapped : written
        prefixLength = isMapped ? length - 96 : length
    }

    /// Whether every address of another block lies within this one.
    package func contains(_ other: AddressBlock) -> Bool {
        guard other.address.isVersion4 == address.isVersion4, other.prefixLength >= prefixLength else { return false }
        guard prefixLength > 0 else { return true }
        let shift = UInt128(address.bitCount - prefixLength)
        return address.bits >> shift == other.address.bits >> shift
    }

    /// Whether a text is an address within the block; false when it is no address.
    package func contains(_ text: String) -> Bool {
        Array(text.utf8).withUnsafeBufferPointer { contains($0) }
    }

    /// The same of UTF-8.
    func contains(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let other = Address.parse(text)?.unmapped, other.isVersion4 == address.isVersion4 else { return false }
        guard prefixLength > 0 else { return true }
        let shift = UInt128(address.bitCount - prefixLength)
        return address.bits >> shift == other.bits >> shift
    }
}

/// An IP address as a number.
struct Address: Equatable, Sendable {
    let bits: UInt128
    let isVersion4: Bool

    var bitCount: Int { isVersion4 ? 32 : 128 }
    var isMapped: Bool { !isVersion4 && bits >> 32 == 0xFFFF }
    /// The IPv4 address that a mapped one stands for, else the address itself.
    var unmapped: Address { isMapped ? Address(bits: bits & 0xFFFF_FFFF, isVersion4: true) : self }

    static func parse(_ text: UnsafeBufferPointer<UInt8>) -> Address? {
        guard text.count <= 45 else { return nil }
        if text.contains(UInt8(ascii: ":")) {
            return version6(Array(text)).map { Address(bits: $0, isVersion4: false) }
        }
        return version4(text[...]).map { Address(bits: UInt128($0), isVersion4: true) }
    }

    private static func version4(_ text: some Collection<UInt8>) -> UInt32? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            var number: UInt32 = 0
            for byte in part {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                number = number * 10 + UInt32(byte - UInt8(ascii: "0"))
            }
            guard number <= 255 else { return nil }
            bits = bits << 8 | number
        }
        return bits
    }

    /// Groups before and after a `::`, which stands for at least one group of zeros.
    private static func version6(_ text: [UInt8]) -> UInt128? {
        let colon = UInt8(ascii: ":")
        let gap = text.indices.dropLast().first { text[$0] == colon && text[$0 + 1] == colon }
        guard let gap else {
            guard let groups = groups(text[...], mayEndInVersion4: true), groups.count == 8 else { return nil }
            return number(groups)
        }
        guard let head = groups(text[..<gap], mayEndInVersion4: false),
            let tail = groups(text[(gap + 2)...], mayEndInVersion4: true), head.count + tail.count <= 7
        else { return nil }
        return number(head + [UInt16](repeating: 0, count: 8 - head.count - tail.count) + tail)
    }

    private static func number(_ groups: [UInt16]) -> UInt128 {
        groups.reduce(0) { $0 << 16 | UInt128($1) }
    }

    private static func groups(_ text: ArraySlice<UInt8>, mayEndInVersion4: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if mayEndInVersion4, index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard let bits = version4(part) else { return nil }
                groups += [UInt16(bits >> 16), UInt16(bits & 0xFFFF)]
            } else {
                guard (1...4).contains(part.count), part.allSatisfy(isHexadecimal),
                    let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16)
                else { return nil }
                groups.append(group)
            }
        }
        return groups
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}
