public import EventModel
import PostgresWire

/// A person who can log in.
public struct Person: Sendable {
    /// Stays for ever.
    public let id: UniqueID
    /// What others see.
    public let username: String
    /// What they log in with.
    public let email: String
    /// When they registered.
    public let createdAt: Timestamp

    init(_ row: PostgresRow) throws {
        id = try row.decode(0)
        username = try row.decode(1)
        email = try row.decode(2)
        createdAt = try row.decode(3)
    }
}

/// An organization, and what a person is in it.
public struct Membership: Sendable {
    /// The organization.
    public let organizationID: UniqueID
    /// Its name.
    public let organization: String
    /// What the person may do there.
    public let role: Role
    /// Since when.
    public let joinedAt: Timestamp

    init(_ row: PostgresRow) throws {
        organizationID = try row.decode(0)
        organization = try row.decode(1)
        role = try Role.read(row.decode(2))
        joinedAt = try row.decode(3)
    }
}

/// A member of an organization.
public struct Member: Sendable {
    /// The person.
    public let personID: UniqueID
    /// What others see.
    public let username: String
    /// What they log in with.
    public let email: String
    /// What they may do.
    public let role: Role
    /// Since when.
    public let joinedAt: Timestamp

    init(_ row: PostgresRow) throws {
        personID = try row.decode(0)
        username = try row.decode(1)
        email = try row.decode(2)
        role = try Role.read(row.decode(3))
        joinedAt = try row.decode(4)
    }
}

/// What was just opened or renewed; the token can be shown in this moment only.
public struct OpenedSession: Sendable {
    /// The session.
    public let id: UniqueID
    /// Whose it is.
    public let personID: UniqueID
    /// For which organization its access token is to speak.
    public let organizationID: UniqueID
    /// The refresh token.
    public let refreshToken: String
}

extension Role {
    static func read(_ name: String) throws -> Role {
        guard let role = Role(rawValue: name) else {
            throw EventStoreError(.unexpected, "there is no role \(name) in this release")
        }
        return role
    }
}
