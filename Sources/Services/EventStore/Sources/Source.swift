public import ActionModel
public import EventModel

/// A source as it is stored.
public struct Source: Sendable {
    /// A version 7 UUID.
    public let id: UniqueID
    /// Whose source it is.
    public let organizationID: UniqueID
    /// The end of the path that takes its deliveries.
    public let hookKey: HookKey
    /// What its owner defined, with its secrets.
    public let definition: SourceDefinition
    /// When it was made.
    public let createdAt: Timestamp
    /// When it was last changed.
    public let updatedAt: Timestamp
}

/// What names a source in the path of its deliveries: 128 random bits as 32 hexadecimal digits.
public struct HookKey: Hashable, Sendable, CustomStringConvertible {
    /// The digits.
    public let description: String

    /// A new key from the system's random generator.
    static func generate() -> HookKey {
        var generator = SystemRandomNumberGenerator()
        let digits = (0..<32).map { _ in String(Int.random(in: 0..<16, using: &generator), radix: 16) }
        return HookKey(digits: digits.joined())
    }

    private init(digits: String) {
        description = digits
    }

    /// The key in a path; nil when the text has not that form.
    public init?(_ text: String) {
        guard text.utf8.count == 32,
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        description = text
    }
}
