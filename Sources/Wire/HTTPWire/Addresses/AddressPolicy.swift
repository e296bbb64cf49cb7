/// Which addresses a client may connect to.
///
/// It is asked with the address of each connection that is about to be opened, after all parsing, name resolution and
/// retrying: so that no spelling of a URL and no answer of a name server gets around it.
public struct AddressPolicy: Hashable, Sendable {
    private enum Rule: Hashable {
        case everything
        case publicInternet(besides: [AddressBlock])
    }

    private let rule: Rule

    /// Every address, for URLs that the operator has chosen.
    public static let unrestricted = AddressPolicy(rule: .everything)

    /// Addresses of the public internet, and those of some blocks more, for URLs that come from users.
    public static func publicInternet(besides blocks: [AddressBlock] = []) -> AddressPolicy {
        AddressPolicy(rule: .publicInternet(besides: blocks))
    }

    /// Whether a connection to the address may be opened.
    public func allows(_ address: IPAddress) -> Bool {
        guard case .publicInternet(let blocks) = rule else { return true }
        if blocks.contains(where: { $0.contains(address) }) { return true }
        switch address {
        case .v4: return !Self.specialV4.contains { $0.contains(address) }
        case .v6: return Self.globalV6.contains(address) && !Self.specialV6.contains { $0.contains(address) }
        }
    }

    /// The IANA IPv4 Special-Purpose Address Registry (RFC 6890) whole, multicast, and the one metadata address that
    /// lies in public space.
    private static let specialV4: [AddressBlock] = [
        AddressBlock(literal: "0.0.0.0/8"),  // this network
        AddressBlock(literal: "10.0.0.0/8"),  // private
        AddressBlock(literal: "100.64.0.0/10"),  // shared, behind carriers' NAT
        AddressBlock(literal: "127.0.0.0/8"),  // loopback
        AddressBlock(literal: "168.63.129.16/32"),  // metadata of Azure's virtual machines
        AddressBlock(literal: "169.254.0.0/16"),  // link-local, and the metadata of most clouds
        AddressBlock(literal: "172.16.0.0/12"),  // private
        AddressBlock(literal: "192.0.0.0/24"),  // protocol assignments
        AddressBlock(literal: "192.0.2.0/24"),  // documentation
        AddressBlock(literal: "192.31.196.0/24"),  // AS112
        AddressBlock(literal: "192.52.193.0/24"),  // automatic multicast tunneling
        AddressBlock(literal: "192.88.99.0/24"),  // 6to4 relays
        AddressBlock(literal: "192.168.0.0/16"),  // private
        AddressBlock(literal: "192.175.48.0/24"),  // AS112
        AddressBlock(literal: "198.18.0.0/15"),  // benchmarks
        AddressBlock(literal: "198.51.100.0/24"),  // documentation
        AddressBlock(literal: "203.0.113.0/24"),  // documentation
        AddressBlock(literal: "224.0.0.0/4"),  // multicast
        AddressBlock(literal: "240.0.0.0/4"),  // reserved, and broadcast
    ]

    /// All that is given out for the public internet; loopback, mapped, translated, local and multicast lie elsewhere.
    private static let globalV6 = AddressBlock(literal: "2000::/3")
    private static let specialV6: [AddressBlock] = [
        AddressBlock(literal: "2001::/23"),  // protocol assignments, Teredo among them
        AddressBlock(literal: "2001:db8::/32"),  // documentation
        AddressBlock(literal: "2002::/16"),  // 6to4, which holds a version 4 address
        AddressBlock(literal: "2620:4f:8000::/48"),  // AS112
        AddressBlock(literal: "3fff::/20"),  // documentation
    ]
}
