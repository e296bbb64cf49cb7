public import EventModel
import PostgresWire
import Runtime

// MARK: - Sessions

/// What became of a login whose password was right.
public enum Opening: Sendable {
    /// The session.
    case opened(OpenedSession)
    /// The password is another one by now.
    case passwordChanged
    /// The person is no member of the organization that was asked for, or of none.
    case notAMember
}

/// What became of a refresh token.
public enum Renewal: Sendable {
    /// It was exchanged for another.
    case renewed(OpenedSession)
    /// It was used before: somebody else has it too, and the session is over.
    case reused(session: UniqueID)
    /// It is unknown, expired, or of a session that is over.
    case refused
    /// The person is no member of the organization that was asked for.
    case notAMember
}

extension PeopleStore {
    /// Opens a session for an organization of the person's.
    ///
    /// The password may have been changed since it was checked. It is held meanwhile, so that whoever changes it ends
    /// this session too.
    ///
    /// - Parameters:
    ///   - passwordHash: that of the password which was checked.
    ///   - organizationID: nil for the one that they have belonged to longest.
    public func open(
        for person: UniqueID, passwordHash: String, organizationID: UniqueID?, from origin: Origin
    ) async throws -> Opening {
        try await withIdentity { connection in
            let held = try await connection.query(
                PeopleStatements.holdPassword, [.uuid(person), .text(passwordHash)])
            guard !held.isEmpty else { return .passwordChanged }
            let memberships = try await memberships(of: person, on: connection)
            let chosen = memberships.first { organizationID == nil || $0.organizationID == organizationID }
            guard let membership = chosen else { return .notAMember }
            let id = UniqueID.generate()
            let token = OpaqueToken.generate(.refresh)
            try await connection.query(
                PeopleStatements.openSession,
                [
                    .uuid(id), .uuid(person), .uuid(membership.organizationID), .text(origin.address),
                    .double(limits.sessionSeconds),
                ])
            try await connection.query(
                PeopleStatements.addRefreshToken,
                [.bytes(hash(token)), .uuid(id), .double(limits.refreshSeconds)])
            try await connection.query(PeopleStatements.prune, [.uuid(person), .int8(limits.sessions)])
            try await origin.actor(person, audit).note(
                AuditChange("session.opened", id.description), organizationID: membership.organizationID, on: connection
            )
            return .opened(
                OpenedSession(
                    id: id, personID: person, organizationID: membership.organizationID,
                    refreshToken: token.plaintext))
        }
    }

    /// Exchanges a refresh token for another.
    ///
    /// - Parameter organizationID: the organization to speak for from now on; nil leaves it as it is.
    public func renew(_ text: String, organizationID: UniqueID?, from origin: Origin) async throws -> Renewal {
        guard let token = OpaqueToken(text, .refresh) else { return .refused }
        return try await withIdentity { connection in
            let rows = try await connection.query(PeopleStatements.lockRefreshToken, [.bytes(hash(token))])
            guard let row = rows.first else { return .refused }
            let session: UniqueID = try row.decode(0)
            let person: UniqueID = try row.decode(1)
            let current: UniqueID = try row.decode(2)
            guard try row.decode(4, as: Bool.self) else { return .refused }
            guard try !row.decode(3, as: Bool.self) else {
                try await connection.query(PeopleStatements.revoke, [.uuid(session), .text("token reused")])
                try await origin.actor(person, audit).note(
                    AuditChange("session.token-reused", session.description), organizationID: current, on: connection)
                return .reused(session: session)
            }
            let organization = organizationID ?? current
            let membership = try await connection.query(
                PeopleStatements.membership, [.uuid(person), .uuid(organization)])
            guard !membership.isEmpty else { return .notAMember }
            let next = OpaqueToken.generate(.refresh)
            try await connection.query(PeopleStatements.useRefreshToken, [.bytes(hash(token))])
            try await connection.query(
                PeopleStatements.addRefreshToken,
                [.bytes(hash(next)), .uuid(session), .double(limits.refreshSeconds)])
            try await connection.query(PeopleStatements.refresh, [.uuid(session), .uuid(organization)])
            return .renewed(
                OpenedSession(
                    id: session, personID: person, organizationID: organization, refreshToken: next.plaintext))
        }
    }

    /// Ends a session.
    public func close(
        _ session: UniqueID, of person: UniqueID, organizationID: UniqueID, from origin: Origin
    ) async throws {
        try await withIdentity { connection in
            try await connection.query(PeopleStatements.revoke, [.uuid(session), .text("logged out")])
            try await origin.actor(person, audit).note(
                AuditChange("session.closed", session.description), organizationID: organizationID, on: connection)
        }
    }

    /// The role of a person in an organization, for as long as their session lasts; nil when it is over, or when they
    /// are no member.
    public func role(
        session: UniqueID, person: UniqueID, organizationID: UniqueID
    ) async throws -> Role? {
        let rows = try await pool.query(
            PeopleStatements.find, [.uuid(session), .uuid(person), .uuid(organizationID)])
        return try rows.first.map { try Role.read($0.decode(0)) }
    }
}

// MARK: - Organizations of a person's

extension PeopleStore {
    /// Makes an organization, which the person owns.
    ///
    /// - Throws: ``EventStoreError`` of code `conflict` when there is one of that name, or the person has too many.
    public func createOrganization(
        named name: String, owner: UniqueID, from origin: Origin
    ) async throws -> Membership {
        try await withIdentity { connection in
            guard try await memberships(of: owner, on: connection).count < limits.organizations else {
                throw EventStoreError(.conflict, "you belong to \(limits.organizations) organizations; leave one first")
            }
            let id = try await addOrganization(named: name, orLike: false, owner: owner, on: connection)
            try await origin.actor(owner, audit).note(
                AuditChange("organization.created", id.description, details: [("name", name)]), organizationID: id,
                on: connection)
            let made = try await memberships(of: owner, on: connection).first { $0.organizationID == id }
            guard let made else { throw EventStoreError(.unexpected, "the new organization has no owner") }
            return made
        }
    }

    /// Makes a person a member of the organization that invites them.
    ///
    /// - Throws: ``EventStoreError`` of code `absent` when there is no such invitation for this person, and `conflict`
    ///   when they are a member already.
    public func accept(_ invitation: String, by person: UniqueID, from origin: Origin) async throws -> [Membership] {
        try await withIdentity { connection in
            guard let row = try await connection.query(PeopleStatements.byID, [.uuid(person)]).first else {
                throw EventStoreError(.unexpected, "the person \(person) is gone")
            }
            guard try await memberships(of: person, on: connection).count < limits.organizations else {
                throw EventStoreError(.conflict, "you belong to \(limits.organizations) organizations; leave one first")
            }
            try await join(Person(row), invitation, by: origin.actor(person, audit), on: connection)
            return try await memberships(of: person, on: connection)
        }
    }
}
