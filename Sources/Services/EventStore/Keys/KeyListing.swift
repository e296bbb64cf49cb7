public import EventModel
import PostgresWire

/// A key that was just made; the only moment in which it can be shown.
public struct CreatedKey: Sendable {
    /// The key's public half.
    public let id: String
    /// The whole key.
    public let plaintext: String
    /// The organization that it opens.
    public let organizationID: UniqueID
}

/// A key as it is listed.
public struct KeyListing: Sendable {
    /// The key's public half.
    public let id: String
    /// Name of the organization that it opens.
    public let organization: String
    /// What it is called.
    public let name: String
    /// What it may do.
    public let scopes: Set<Scope>
    /// When it was made.
    public let createdAt: Timestamp
    /// When it was revoked, if it was.
    public let revokedAt: Timestamp?
    /// When it ends by itself, if it does.
    public let expiresAt: Timestamp?
    /// When it was last used, to the minute.
    public let lastUsedAt: Timestamp?
    /// Blocks of addresses that it is let in from; empty for every address.
    public let allowedAddresses: [String]
    /// Who made it: a person's id, a key's, or nil for the command line.
    public let createdBy: String?
    /// Id of the key that it was rotated to.
    public let replacedBy: String?

    /// Reads the columns of ``KeyStatements/columns``, and the name of the organization behind them.
    init(_ row: PostgresRow) throws {
        id = try row.decode(0)
        name = try row.decode(1)
        scopes = Scope.read(try row.decode(2))
        createdAt = try row.decode(3)
        revokedAt = try row.decodeIfPresent(4)
        expiresAt = try row.decodeIfPresent(5)
        lastUsedAt = try row.decodeIfPresent(6)
        allowedAddresses = try row.decode(7)
        createdBy = try row.decodeIfPresent(8)
        replacedBy = try row.decodeIfPresent(9)
        organization = try row.decode(10)
    }
}

extension Scope {
    /// Stored scopes; one that a newer release knows gives nothing here.
    static func read(_ names: [String]) -> Set<Scope> {
        Set(names.compactMap { Scope(rawValue: $0) })
    }
}

/// What a new key is to be.
public struct KeyRequest: Sendable {
    /// What it is called.
    public let name: String
    /// What it may do.
    public let scopes: Set<Scope>
    /// When it ends by itself.
    public let expiresAt: Timestamp?
    /// Blocks of addresses that it is let in from; empty for every address.
    public let allowedAddresses: [String]

    /// Makes a request.
    public init(name: String, scopes: Set<Scope>, expiresAt: Timestamp? = nil, allowedAddresses: [String] = []) {
        self.name = name
        self.scopes = scopes
        self.expiresAt = expiresAt
        self.allowedAddresses = allowedAddresses
    }
}
