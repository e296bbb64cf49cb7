import HTTPWire
import Testing

@Suite("Which addresses the policy allows")
struct AddressPolicyTests {
    /// The blocks of SAFETY.md with their first and last addresses, and the neighbours on both sides where those are
    /// public: every edge is one that an off-by-one would move.
    static let blocks: [(before: String?, first: String, last: String, after: String?)] = [
        (nil, "0.0.0.0", "0.255.255.255", "1.0.0.0"),
        ("9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"),
        ("100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"),
        ("126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"),
        ("168.63.129.15", "168.63.129.16", "168.63.129.16", "168.63.129.17"),
        ("169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"),
        ("172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"),
        ("191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"),
        ("192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"),
        ("192.31.195.255", "192.31.196.0", "192.31.196.255", "192.31.197.0"),
        ("192.52.192.255", "192.52.193.0", "192.52.193.255", "192.52.194.0"),
        ("192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"),
        ("192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"),
        ("192.175.47.255", "192.175.48.0", "192.175.48.255", "192.175.49.0"),
        ("198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"),
        ("198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"),
        ("203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"),
        ("223.255.255.255", "224.0.0.0", "239.255.255.255", nil),
        (nil, "240.0.0.0", "255.255.255.255", nil),
        (nil, "::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2000::"),
        ("2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"),
        (
            "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
            "2001:db9::"
        ),
        ("2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"),
        (
            "2620:4f:7fff:ffff:ffff:ffff:ffff:ffff", "2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff",
            "2620:4f:8001::"
        ),
        ("3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"),
        ("3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", nil),
    ]

    @Test("Both ends of every special block are denied, and their public neighbours allowed", arguments: blocks)
    func edgesAreExact(_ block: (before: String?, first: String, last: String, after: String?)) throws {
        let policy = AddressPolicy.publicInternet()
        #expect(!policy.allows(try #require(IPAddress(block.first))))
        #expect(!policy.allows(try #require(IPAddress(block.last))))
        for neighbour in [block.before, block.after].compactMap(\.self) {
            #expect(policy.allows(try #require(IPAddress(neighbour))), "\(neighbour)")
        }
    }

    static let denied = [
        // Metadata services.
        "169.254.169.254", "169.254.170.2", "169.254.0.23", "100.100.100.200", "192.0.0.192", "168.63.129.16",
        "fd00:ec2::254", "fd20:ce::254", "fe80::a9fe:a9fe",
        // Addresses of version 4 in those of version 6: mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP.
        "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8",
        "::ffff:0:127.0.0.1", "::127.0.0.1", "::10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::8.8.8.8", "64:ff9b:1::a00:1",
        "2002:7f00:1::", "2002:a00:1::1", "2001:0:7f00:1::", "2001::ffff:ffff", "fe80::5efe:127.0.0.1",
        // Loopback, unspecified, local, site-local, multicast, discard, segment routing.
        "::", "::1", "::2", "0.0.0.0", "127.0.0.1", "127.127.127.127", "10.1.2.3", "172.20.10.1", "192.168.1.1",
        "fc00::1", "fd12:3456:789a::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1", "100::1", "5f00::1",
        "224.0.0.1", "239.255.255.250", "255.255.255.255", "240.0.0.1", "198.18.0.1", "203.0.113.7",
    ]

    @Test("Addresses that lead inside are denied", arguments: denied)
    func innerAddressesAreDenied(_ text: String) throws {
        #expect(!AddressPolicy.publicInternet().allows(try #require(IPAddress(text))))
    }

    static let allowed = [
        "1.1.1.1", "8.8.8.8", "93.184.216.34", "149.154.167.220", "172.217.16.14", "192.0.66.1", "198.41.0.4",
        "2001:4860:4860::8888", "2606:4700:4700::1111", "2a00:1450:4001:800::200e", "2400:cb00::1", "2620:fe::fe",
    ]

    @Test("Addresses of the public internet are allowed", arguments: allowed)
    func publicAddressesAreAllowed(_ text: String) throws {
        #expect(AddressPolicy.publicInternet().allows(try #require(IPAddress(text))))
    }

    @Test("A block that the operator names is allowed, and nothing beside it")
    func namedBlocksAreAllowed() throws {
        let blocks = try ["10.1.0.0/16", "127.0.0.1", "fd00::/8", "::1/128"].map { try #require(AddressBlock($0)) }
        let policy = AddressPolicy.publicInternet(besides: blocks)
        for text in ["10.1.0.0", "10.1.255.255", "127.0.0.1", "fd12::1", "::1", "8.8.8.8"] {
            #expect(policy.allows(try #require(IPAddress(text))), "\(text)")
        }
        for text in ["10.0.255.255", "10.2.0.0", "127.0.0.2", "::2", "fc00::1", "::ffff:10.1.0.1", "::ffff:127.0.0.1"] {
            #expect(!policy.allows(try #require(IPAddress(text))), "\(text)")
        }
    }

    @Test("Without restrictions everything is allowed", arguments: denied + allowed)
    func unrestrictedAllowsAll(_ text: String) throws {
        #expect(AddressPolicy.unrestricted.allows(try #require(IPAddress(text))))
    }

    @Test("On random addresses the policy agrees with a slow reference that compares bits")
    func policyAgreesWithReference() throws {
        let special = [
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16",
            "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
            "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
        ]
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<5_000 {
            // Half of them near a block, where the mistakes would be.
            let near = try #require(special.randomElement()?.split(separator: "/").first)
            let base = near.split(separator: ".").map { UInt8($0)! }
            var bytes = (0..<4).map { _ in UInt8.random(in: 0...255, using: &generator) }
            if Bool.random() { bytes.replaceSubrange(0..<2, with: base[0..<2]) }
            let text = bytes.map(String.init).joined(separator: ".")
            let isSpecial = special.contains { Self.bits(bytes).hasPrefix(Self.prefix($0)) }
            #expect(AddressPolicy.publicInternet().allows(try #require(IPAddress(text))) == !isSpecial, "\(text)")
        }
    }

    private static func bits(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            String(repeating: "0", count: byte.leadingZeroBitCount) + (byte == 0 ? "" : String(byte, radix: 2))
        }
        .joined()
    }

    private static func prefix(_ block: String) -> Substring {
        let halves = block.split(separator: "/")
        return bits(halves[0].split(separator: ".").map { UInt8($0)! }).prefix(Int(halves[1])!)
    }
}

@Suite("How addresses and blocks are written")
struct AddressSpellingTests {
    @Test(
        "Only the standard spelling of an address is read",
        arguments: [
            "", "127.1", "127.0.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "127.0.0.1 ", " 127.0.0.1", "127.0.0.256",
            "127.0.0.1.", "1.2.3", "1.2.3.4.5", "a.b.c.d", "::1%lo", "[::1]", ":::1", "1::2::3", "12345::", "localhost",
            "１２７.0.0.1", "127.0.0.1/8",
        ])
    func otherSpellingsAreRefused(_ text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("An address is shown in its standard spelling")
    func addressesAreShown() {
        for (text, shown) in [("127.0.0.1", "127.0.0.1"), ("2001:DB8:0:0::1", "2001:db8::1"), ("::", "::")] {
            #expect(IPAddress(text)?.description == shown)
        }
        #expect(IPAddress("::ffff:7f00:1")?.description == "::ffff:127.0.0.1")
    }

    @Test(
        "What is no block is refused",
        arguments: [
            "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0.0/08x",
            "::/129",
            "10.0.0.1/8", "10.0.0.0/٨", "fd00::1/8", "example.org/8", "10.0.0/8", "10.0.0.0 /8", "10.0.0.0/0000008",
        ])
    func otherBlocksAreRefused(_ text: String) {
        #expect(AddressBlock(text) == nil)
    }

    @Test("A block of no bits contains all addresses of its version, one of all bits a single one")
    func extremeBlocksWork() throws {
        let all = try #require(AddressBlock("0.0.0.0/0"))
        #expect(all.contains(try #require(IPAddress("255.255.255.255"))))
        #expect(!all.contains(try #require(IPAddress("::"))))
        let one = try #require(AddressBlock("::1"))
        #expect(one.contains(try #require(IPAddress("::1"))))
        #expect(!one.contains(try #require(IPAddress("::"))))
    }
}
