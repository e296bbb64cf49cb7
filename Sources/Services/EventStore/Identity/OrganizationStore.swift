import Crypto
public import EventModel
public import PostgresWire
import Runtime

/// An organization as its members see it.
public struct Organization: Sendable {
    /// Stays for ever.
    public let id: UniqueID
    /// Unique among all organizations.
    public let name: String
    /// Since when it is there.
    public let createdAt: Timestamp
    /// How many people belong to it.
    public let memberCount: Int64
}

/// An invitation that waits to be accepted.
public struct Invitation: Sendable {
    /// Its id; no secret.
    public let id: UniqueID
    /// Whom it is for.
    public let email: String
    /// What they will be.
    public let role: Role
    /// Who gave it: a person's id, or a key's.
    public let invitedBy: String
    /// Since when.
    public let createdAt: Timestamp
    /// Until when.
    public let expiresAt: Timestamp

    init(_ row: PostgresRow) throws {
        id = try row.decode(0)
        email = try row.decode(1)
        role = try Role.read(row.decode(2))
        invitedBy = try row.decode(3)
        createdAt = try row.decode(4)
        expiresAt = try row.decode(5)
    }
}

/// Organizations, their members and their invitations; for the gateway's role.
public struct OrganizationStore: Sendable {
    /// Most invitations of an organization that wait at the same time.
    public static let maximumInvitations = 200
    /// How long an invitation waits, in seconds.
    public static let invitationSeconds = 7 * 86_400.0

    private let pool: PostgresPool
    private let pepper: SymmetricKey

    /// Makes a store.
    ///
    /// - Parameter secret: `JWT_SECRET`, from which the pepper of stored tokens is derived.
    public init(pool: PostgresPool, secret: String?) throws {
        self.pool = pool
        pepper = try DerivedKey.make(secret, for: .opaqueTokens)
    }

    /// The organization itself.
    public func organization(_ id: UniqueID) async throws -> Organization? {
        try await pool.withTransaction(organization: id) { connection in
            try await connection.query(OrganizationStatements.get, [.uuid(id)]).first.map { row in
                Organization(
                    id: try row.decode(0), name: try row.decode(1), createdAt: try row.decode(2),
                    memberCount: try row.decode(3))
            }
        }
    }

    /// Renames the organization.
    ///
    /// - Throws: ``EventStoreError`` of code `conflict` when the name is taken.
    public func rename(_ id: UniqueID, to name: String, by actor: AuditActor) async throws {
        do {
            try await pool.withTransaction(organization: id) { connection in
                try await connection.query(OrganizationStatements.rename, [.uuid(id), .text(name)])
                try await actor.note(
                    AuditChange("organization.renamed", id.description, details: [("name", name)]), organizationID: id,
                    on: connection)
            }
        } catch let error as PostgresError where error.sqlState == SQLState.uniqueViolation {
            throw EventStoreError(.conflict, "an organization of this name exists already")
        }
    }
}

// MARK: - Members

extension OrganizationStore {
    /// The members, by id.
    public func members(of id: UniqueID, limit: Int, after: UniqueID? = nil) async throws -> [Member] {
        try await pool.withTransaction(organization: id) { connection in
            try await connection.query(
                OrganizationStatements.members, [.uuid(id), .optional(after), .int8(Int64(limit))]
            ).map { try Member($0) }
        }
    }

    /// Gives a member another role; nil when there is no such member. Invitations that they gave end when they may not
    /// give any longer.
    ///
    /// - Parameter allows: whether who asks may do so to this member; what it throws is thrown on.
    public func setRole(
        _ role: Role, of person: UniqueID, in id: UniqueID, by actor: AuditActor,
        allows: @Sendable (Member) throws -> Void
    ) async throws -> Member? {
        try await pool.withTransaction(organization: id) { connection in
            guard let member = try await lock(person, in: id, on: connection) else { return nil }
            try allows(member)
            try await connection.query(
                OrganizationStatements.setRole, [.uuid(id), .uuid(person), .text(role.rawValue)])
            if !role.scopes.contains(.membersWrite) {
                try await connection.query(
                    OrganizationStatements.dropInvitationsOf, [.uuid(id), .text(person.description)])
            }
            try await actor.note(
                AuditChange(
                    "member.role-changed", person.description,
                    details: [("from", member.role.rawValue), ("to", role.rawValue)]), organizationID: id,
                on: connection)
            return try await lock(person, in: id, on: connection)
        }
    }

    /// Ends a membership, and the invitations that the member gave; false when there is no such member.
    ///
    /// - Parameter allows: whether who asks may do so to this member; what it throws is thrown on.
    public func remove(
        _ person: UniqueID, from id: UniqueID, by actor: AuditActor, allows: @Sendable (Member) throws -> Void
    ) async throws -> Bool {
        try await pool.withTransaction(organization: id) { connection in
            guard let member = try await lock(person, in: id, on: connection) else { return false }
            try allows(member)
            try await connection.query(OrganizationStatements.remove, [.uuid(id), .uuid(person)])
            try await connection.query(
                OrganizationStatements.dropInvitationsOf, [.uuid(id), .text(person.description)])
            try await actor.note(
                AuditChange("member.removed", person.description, details: [("role", member.role.rawValue)]),
                organizationID: id, on: connection)
            return true
        }
    }

    /// Makes another member the owner; the owner becomes an admin. False when there is no such member.
    ///
    /// - Throws: ``EventStoreError`` of code `conflict` when who asks owns it no longer.
    public func transfer(
        _ id: UniqueID, from owner: UniqueID, to person: UniqueID, by actor: AuditActor
    ) async throws -> Bool {
        try await pool.withTransaction(organization: id) { connection in
            guard try await lock(person, in: id, on: connection) != nil else { return false }
            let demoted = try await connection.query(
                OrganizationStatements.demoteOwner, [.uuid(id), .uuid(owner)])
            guard demoted.affectedRows == 1 else {
                throw EventStoreError(.conflict, "you do not own the organization any more")
            }
            try await connection.query(
                OrganizationStatements.setRole, [.uuid(id), .uuid(person), .text(Role.owner.rawValue)])
            try await actor.note(
                AuditChange(
                    "organization.transferred", id.description,
                    details: [("from", owner.description), ("to", person.description)]), organizationID: id,
                on: connection)
            return true
        }
    }

    private func lock(
        _ person: UniqueID, in id: UniqueID, on connection: PostgresConnection
    ) async throws -> Member? {
        try await connection.query(OrganizationStatements.lockMember, [.uuid(id), .uuid(person)]).first
            .map { try Member($0) }
    }
}

// MARK: - Invitations

extension OrganizationStore {
    /// Invites an address; an earlier invitation of it ends.
    ///
    /// - Returns: the invitation, and its token, which can be shown in this moment only.
    /// - Throws: ``EventStoreError`` of code `conflict` when there is such a member already, or too many invitations.
    public func invite(
        _ email: String, as role: Role, to id: UniqueID, by actor: AuditActor
    ) async throws -> (invitation: Invitation, token: String) {
        try await pool.withTransaction(organization: id) { connection in
            guard
                try await !connection.query(OrganizationStatements.isMember, [.uuid(id), .text(email)])[0].decode(
                    0, as: Bool.self)
            else { throw EventStoreError(.conflict, "a member of the organization has this address already") }
            try await connection.query(OrganizationStatements.dropInvitation, [.uuid(id), .text(email)])
            try await connection.query(OrganizationStatements.pruneInvitations, [.uuid(id)])
            let count: Int64 = try await connection.query(
                OrganizationStatements.countInvitations, [.uuid(id)])[0].decode(0)
            guard count < Self.maximumInvitations else {
                throw EventStoreError(.conflict, "\(count) invitations wait to be accepted; take some back")
            }
            let token = OpaqueToken.generate(.invitation)
            let rows = try await connection.query(
                OrganizationStatements.invite,
                [
                    .uuid(.generate()), .uuid(id), .text(email), .text(role.rawValue),
                    .bytes(token.hash(pepper: pepper)), .text(actor.id), .double(Self.invitationSeconds),
                ])
            guard let invitation = try rows.first.map({ try Invitation($0) }) else {
                throw EventStoreError(.unexpected, "the statement that adds an invitation returned no row")
            }
            try await actor.note(
                AuditChange(
                    "invitation.created", invitation.id.description,
                    details: [("email", email), ("role", role.rawValue)]), organizationID: id, on: connection)
            return (invitation, token.plaintext)
        }
    }

    /// Invitations that wait to be accepted, by id.
    public func invitations(to id: UniqueID, limit: Int, after: UniqueID? = nil) async throws -> [Invitation] {
        try await pool.withTransaction(organization: id) { connection in
            try await connection.query(
                OrganizationStatements.invitations, [.uuid(id), .optional(after), .int8(Int64(limit))]
            ).map { try Invitation($0) }
        }
    }

    /// Takes an invitation back; false when there is none of this id.
    public func takeBack(_ invitation: UniqueID, of id: UniqueID, by actor: AuditActor) async throws -> Bool {
        try await pool.withTransaction(organization: id) { connection in
            let rows = try await connection.query(
                OrganizationStatements.removeInvitation, [.uuid(id), .uuid(invitation)])
            guard rows.affectedRows == 1 else { return false }
            try await actor.note(
                AuditChange("invitation.taken-back", invitation.description), organizationID: id, on: connection)
            return true
        }
    }
}
