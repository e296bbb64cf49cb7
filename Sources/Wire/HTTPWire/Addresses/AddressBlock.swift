/// A block of addresses (CIDR, RFC 4632): all that share a prefix.
public struct AddressBlock: Hashable, Sendable {
    let first: IPAddress
    let prefixLength: Int

    /// Reads `10.0.0.0/8`, `fd00::/8`, or a single address; nil for anything else.
    ///
    /// Bits behind the prefix must be 0: in `10.1.2.3/8` it is not known which part is the mistake.
    public init?(_ text: String) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count <= 2, let first = IPAddress(String(halves[0])) else { return nil }
        var length = first.bitWidth
        if halves.count == 2 {
            let digits = halves[1]
            guard (1...3).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(digits), number <= first.bitWidth
            else { return nil }
            length = number
        }
        guard first.prefix(length) == first else { return nil }
        self.first = first
        prefixLength = length
    }

    /// A block of a list in this module, which a test has read.
    init(literal text: String) {
        guard let block = AddressBlock(text) else { preconditionFailure("not an address block: \(text)") }
        self = block
    }

    /// Whether the address is of the same version and begins with the prefix.
    public func contains(_ address: IPAddress) -> Bool {
        address.bitWidth == first.bitWidth && address.prefix(prefixLength) == first
    }
}

extension IPAddress {
    fileprivate var bitWidth: Int {
        switch self {
        case .v4: 32
        case .v6: 128
        }
    }

    /// The address with everything behind the first bits set to 0.
    fileprivate func prefix(_ length: Int) -> IPAddress {
        switch self {
        case .v4(let number): .v4(number & ~(UInt32.max >> length))
        case .v6(let number): .v6(number & ~(UInt128.max >> length))
        }
    }
}
