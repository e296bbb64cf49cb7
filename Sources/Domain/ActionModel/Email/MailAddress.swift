/// An address that mail goes to or comes from, with or without a name: `Ada <ada@example.com>`.
///
/// The part before the `@` is a dot-atom, the part behind it a host's name (RFC 5321 §4.1.2): quoted parts, routes,
/// groups and characters that are not ASCII are refused, so that nothing in an address can begin anything else.
struct MailAddress: Sendable, Equatable {
    let name: String?
    /// `local@domain`.
    let address: String

    /// What is behind the `@`.
    var domain: Substring { address[address.index(after: address.lastIndex(of: "@") ?? address.startIndex)...] }

    /// Reads one address; nil for anything else.
    init?(_ text: String) {
        let text = Self.trimmed(text[...])
        guard let bracket = text.lastIndex(of: "<") else {
            self.init(name: nil, address: text)
            return
        }
        guard text.hasSuffix(">") else { return nil }
        var name = Self.trimmed(text[..<bracket])
        if name.count >= 2, name.hasPrefix("\""), name.hasSuffix("\"") { name = String(name.dropFirst().dropLast()) }
        guard !name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }), !name.contains("<") else {
            return nil
        }
        self.init(name: name.isEmpty ? nil : name, address: String(text[text.index(after: bracket)...].dropLast()))
    }

    private init?(name: String?, address: String) {
        let halves = address.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard halves.count == 2, address.utf8.count <= 254, Self.isLocalPart(halves[0]), Self.isDomain(halves[1]) else {
            return nil
        }
        self.name = name
        self.address = address
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }

    /// Atoms with dots between them (RFC 5322 §3.2.3).
    private static func isLocalPart(_ text: Substring.UTF8View) -> Bool {
        (1...64).contains(text.count)
            && text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { atom in
                !atom.isEmpty
                    && atom.allSatisfy { isAlphanumeric($0) || "!#$%&'*+-/=?^_`{|}~".utf8.contains($0) }
            }
    }

    /// Labels of letters, digits and hyphens (RFC 1123 §2.1).
    static func isDomain(_ text: Substring.UTF8View) -> Bool {
        (1...253).contains(text.count)
            && text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
                (1...63).contains(label.count) && label.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
                    && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
            }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        Escaping.isUnreserved(byte) && !"-._~".utf8.contains(byte)
    }
}
