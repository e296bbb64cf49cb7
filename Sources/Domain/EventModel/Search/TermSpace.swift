public import JSONTree

/// The terms of one organization, by which stretches of its log are found: hashes of what events hold.
///
/// There are four kinds of term: a scalar at a path, that a path holds a value of a kind, a text member (type, source,
/// subject), and a word. Each is the FNV-1a hash, of 64 bits, of the organization and of that, so that two
/// organizations have no term in common. The elements of an array share one path, whatever their number, so that the
/// path of a condition is found with and without an index. Two things may have one hash: a term says where to look,
/// never what is there. Terms are stored, so what is hashed here may never change.
public struct TermSpace: Sendable {
    /// Longest string that has a term as a value, in bytes. Longer ones are seldom one of a few that many events share;
    /// their words find them as well.
    public static let longestText = 24

    private let start: TermHash

    /// The terms of an organization.
    public init(_ organizationID: UniqueID) {
        var hash = TermHash()
        hash.add(organizationID.bytes)
        start = hash
    }

    /// A member of an event that is a text.
    public enum Member: UInt8, Sendable {
        /// The event's type.
        case type = 1
        /// The event's source.
        case source
        /// The event's subject.
        case subject
    }

    /// An event whose member is this text.
    public func member(_ member: Member, _ text: String) -> Int64 {
        var hash = start
        hash.add(Tag.member.rawValue)
        hash.add(member.rawValue)
        hash.add(text.utf8)
        return hash.term
    }

    /// An event that holds a word, given in lower case (``Words``).
    public func word(_ word: some Sequence<UInt8>) -> Int64 {
        var hash = start
        hash.add(Tag.word.rawValue)
        hash.add(word)
        return hash.term
    }

    /// The place of the data itself.
    public var root: TermPath {
        var hash = start
        hash.add(Tag.path.rawValue)
        return TermPath(hash: hash)
    }

    /// The place that a path leads to.
    public func path(_ path: JSONPath) -> TermPath {
        path.components.reduce(root) { place, component in
            switch component {
            case .key(let key): place.member(key)
            case .index: place.element
            }
        }
    }

    fileprivate enum Tag: UInt8 {
        case member = 0x6D
        case word = 0x77
        case path = 0x70
        case key = 0x6B
        case element = 0x65
        case number = 0x6E
        case text = 0x74
        case boolean = 0x62
        case null = 0x7A
        case kind = 0x3F
    }
}

/// A place in the data of an organization's events.
public struct TermPath: Sendable {
    fileprivate let hash: TermHash

    /// The place of a member.
    public func member(_ key: String) -> TermPath {
        var hash = hash
        hash.add(TermSpace.Tag.key.rawValue)
        hash.add(key.utf8)
        // No key holds a NUL, so that this ends it.
        hash.add(0)
        return TermPath(hash: hash)
    }

    /// The place of every element.
    public var element: TermPath {
        var hash = hash
        hash.add(TermSpace.Tag.element.rawValue)
        return TermPath(hash: hash)
    }

    /// That there is a value of a kind; integers are numbers.
    public func kind(_ kind: JSONValue.Kind) -> Int64 {
        var hash = hash
        hash.add(TermSpace.Tag.kind.rawValue)
        hash.add((kind == .integer ? JSONValue.Kind.number : kind).rawValue.utf8)
        return hash.term
    }

    /// That there is this number, exactly, however it is written.
    public func number(_ number: JSONNumber) -> Int64 {
        var hash = hash
        hash.add(TermSpace.Tag.number.rawValue)
        if let value = number.exactly(Int64.self) {
            hash.add(UInt64(bitPattern: value), sign: 0)
        } else if let value = number.exactly(UInt64.self) {
            hash.add(value, sign: 1)
        } else {
            hash.add(number.double.bitPattern, sign: 2)
        }
        return hash.term
    }

    /// That there is this string, of at most ``TermSpace/longestText`` bytes.
    public func text(_ text: some Sequence<UInt8>) -> Int64 {
        var hash = hash
        hash.add(TermSpace.Tag.text.rawValue)
        hash.add(text)
        return hash.term
    }

    /// That there is this boolean.
    public func boolean(_ value: Bool) -> Int64 {
        var hash = hash
        hash.add(TermSpace.Tag.boolean.rawValue)
        hash.add(value ? 1 : 0)
        return hash.term
    }

    /// That there is null.
    public var null: Int64 {
        var hash = hash
        hash.add(TermSpace.Tag.null.rawValue)
        return hash.term
    }
}

/// FNV-1a that can be continued.
private struct TermHash: Sendable {
    private var state = FNV1a.offsetBasis

    mutating func add(_ byte: UInt8) { state = (state ^ UInt64(byte)) &* FNV1a.prime }

    mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { add(byte) }
    }

    mutating func add(_ value: UInt64, sign: UInt8) {
        add(sign)
        for shift in stride(from: 0, to: UInt64.bitWidth, by: 8) {
            add(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }

    /// As PostgreSQL stores it.
    var term: Int64 { Int64(bitPattern: state) }
}

extension JSONNumber {
    /// The value as an integer of that type, if it is one.
    fileprivate func exactly<I: FixedWidthInteger>(_ type: I.Type) -> I? {
        switch self {
        case .int(let value): I(exactly: value)
        case .uint(let value): I(exactly: value)
        case .double(let value): I(exactly: value)
        }
    }
}
