import Crypto
public import EventModel
public import PostgresWire
import Runtime

/// People and their sessions; for the gateway's role, which takes on that of identity for each transaction.
public struct PeopleStore: Sendable {
    /// Times and numbers of sessions.
    public struct Limits: Sendable {
        /// How long a session lasts, however often it is renewed, in seconds.
        public var sessionSeconds: Double = 30 * 86_400
        /// How long a refresh token waits to be used, in seconds.
        public var refreshSeconds: Double = 14 * 86_400
        /// Most sessions of a person; the oldest ends when there would be more.
        public var sessions: Int64 = 50
        /// Most organizations of a person.
        public var organizations: Int64 = 100

        /// The usual ones.
        public init() {}
    }

    let pool: PostgresPool
    let limits: Limits
    let audit: AuditLog
    private let pepper: SymmetricKey

    /// Makes a store.
    ///
    /// - Parameter secret: `JWT_SECRET`, from which the pepper of stored tokens is derived.
    public init(pool: PostgresPool, secret: String?, limits: Limits = Limits()) throws {
        self.pool = pool
        self.limits = limits
        audit = try AuditLog(secret: secret)
        pepper = try DerivedKey.make(secret, for: .opaqueTokens)
    }

    /// A transaction that sees people, whichever organization they belong to.
    func withIdentity<R>(_ body: (PostgresConnection) async throws -> R) async throws -> R {
        try await pool.withTransaction(opening: PeopleStatements.becomeIdentity, body)
    }

    func hash(_ token: OpaqueToken) -> [UInt8] { token.hash(pepper: pepper) }
}

// MARK: - People

extension PeopleStore {
    /// Makes a person, and what they belong to: an organization of their own, or the one that invites them.
    ///
    /// - Parameter invitation: a token that an organization gave for this address.
    /// - Throws: ``EventStoreError`` of code `conflict` when the name or the address is taken, and `absent` when there
    ///   is no such invitation.
    public func register(
        username: String, email: String, passwordHash: String, invitation: String?, from origin: Origin
    ) async throws -> (person: Person, membership: Membership) {
        do {
            return try await withIdentity { connection in
                let id = UniqueID.generate()
                let rows = try await connection.query(
                    PeopleStatements.add, [.uuid(id), .text(username), .text(email), .text(passwordHash)])
                guard let person = try rows.first.map({ try Person($0) }) else {
                    throw EventStoreError(.unexpected, "the statement that adds a person returned no row")
                }
                let actor = origin.actor(id, audit)
                if let invitation {
                    try await join(person, invitation, by: actor, on: connection)
                } else {
                    let organization = try await addOrganization(
                        named: username, orLike: true, owner: id, on: connection)
                    try await actor.note(
                        AuditChange("organization.created", organization.description), organizationID: organization,
                        on: connection)
                }
                let memberships = try await memberships(of: id, on: connection)
                guard let first = memberships.first else {
                    throw EventStoreError(.unexpected, "the new person belongs to no organization")
                }
                return (person, first)
            }
        } catch let error as PostgresError where error.sqlState == SQLState.uniqueViolation {
            throw EventStoreError(.conflict, "there is an account of this username or this address already")
        }
    }

    /// The person of an address, and the hash of their password; nil when there is none.
    public func person(email: String) async throws -> (person: Person, passwordHash: String)? {
        try await withIdentity { connection in
            try await connection.query(PeopleStatements.byEmail, [.text(email)]).first
                .map { (try Person($0), try $0.decode(4)) }
        }
    }

    /// A person, the hash of their password, and what they belong to; nil when there is none.
    public func person(
        _ id: UniqueID
    ) async throws -> (person: Person, passwordHash: String, memberships: [Membership])? {
        try await withIdentity { connection in
            guard let row = try await connection.query(PeopleStatements.byID, [.uuid(id)]).first else { return nil }
            return (try Person(row), try row.decode(4), try await memberships(of: id, on: connection))
        }
    }

    /// Changes a password, and ends every session of the person but the one that asked for it.
    ///
    /// - Parameter current: the hash of the password that was checked.
    /// - Returns: false when the password is another one by now.
    public func changePassword(
        _ person: UniqueID, from current: String, to passwordHash: String, keeping session: UniqueID,
        organizationID: UniqueID, origin: Origin
    ) async throws -> Bool {
        try await withIdentity { connection in
            let changed = try await connection.query(
                PeopleStatements.changePassword, [.uuid(person), .text(passwordHash), .text(current)])
            guard changed.affectedRows == 1 else { return false }
            try await connection.query(
                PeopleStatements.revokeOthers, [.uuid(person), .uuid(session), .text("password changed")])
            try await origin.actor(person, audit).note(
                AuditChange("password.changed", person.description), organizationID: organizationID, on: connection)
            return true
        }
    }

    /// Sets a password anew for somebody who has lost theirs, and ends every session of theirs. For whoever has the
    /// database: the account must be a member of the role of identity.
    ///
    /// It is noted in the log of every organization of the person's.
    /// - Returns: false when nobody has this address.
    public func resetPassword(
        ofAddress email: String, to passwordHash: String, by actor: AuditActor
    ) async throws -> Bool {
        try await withIdentity { connection in
            guard let row = try await connection.query(PeopleStatements.byEmail, [.text(email)]).first else {
                return false
            }
            let person = try Person(row)
            let current: String = try row.decode(4)
            let changed = try await connection.query(
                PeopleStatements.changePassword, [.uuid(person.id), .text(passwordHash), .text(current)])
            guard changed.affectedRows == 1 else {
                throw EventStoreError(.conflict, "the password of \(email) was just changed; look again")
            }
            try await connection.query(
                PeopleStatements.revokeOthers, [.uuid(person.id), .null, .text("password reset")])
            // In one order, as everybody who notes in several logs.
            let own = try await memberships(of: person.id, on: connection).map(\.organizationID).sorted()
            for organization in own {
                try await actor.note(
                    AuditChange("password.reset", person.id.description), organizationID: organization, on: connection)
            }
            return true
        }
    }

    func memberships(of person: UniqueID, on connection: PostgresConnection) async throws -> [Membership] {
        try await connection.query(
            PeopleStatements.memberships, [.uuid(person), .int8(limits.organizations)]
        ).map { try Membership($0) }
    }

    func join(
        _ person: Person, _ invitation: String, by actor: AuditActor, on connection: PostgresConnection
    ) async throws {
        let refusal = EventStoreError(.absent, "there is no such invitation for this address, or it has expired")
        guard let token = OpaqueToken(invitation, .invitation) else { throw refusal }
        let rows = try await connection.query(
            PeopleStatements.takeInvitation, [.bytes(hash(token)), .text(person.email)])
        guard let row = rows.first else { throw refusal }
        let organization: UniqueID = try row.decode(1)
        let role: String = try row.decode(2)
        let added = try await connection.query(
            PeopleStatements.addMember, [.uuid(organization), .uuid(person.id), .text(role)])
        guard added.affectedRows == 1 else {
            throw EventStoreError(.conflict, "you are a member of that organization already")
        }
        try await actor.note(
            AuditChange("invitation.accepted", person.id.description, details: [("role", role)]),
            organizationID: organization, on: connection)
    }

    /// - Parameter orLike: whether another name may be taken when this one is.
    func addOrganization(
        named name: String, orLike isLikeEnough: Bool, owner: UniqueID, on connection: PostgresConnection
    ) async throws -> UniqueID {
        for attempt in 0..<8 {
            let suffix = attempt == 0 ? "" : "-\(UInt32.random(in: 0x1000...0xFFFF_FFFF))"
            let rows = try await connection.query(
                PeopleStatements.addOrganization, [.uuid(.generate()), .text(name + suffix)])
            if let id: UniqueID = try rows.first?.decode(0) {
                try await connection.query(
                    PeopleStatements.addMember, [.uuid(id), .uuid(owner), .text(Role.owner.rawValue)])
                return id
            }
            guard isLikeEnough else { break }
        }
        throw EventStoreError(.conflict, "an organization of this name exists already")
    }
}

/// Where a request comes from.
public struct Origin: Sendable {
    /// The address; empty when it is not known.
    public let address: String
    /// Id of the request.
    public let requestID: String

    /// Makes an origin.
    public init(address: String, requestID: String) {
        self.address = address
        self.requestID = requestID
    }

    func actor(_ person: UniqueID, _ log: AuditLog) -> AuditActor {
        AuditActor(kind: .person, id: person.description, address: address, requestID: requestID, log: log)
    }
}
