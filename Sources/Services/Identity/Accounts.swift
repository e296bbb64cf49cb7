public import EventModel
public import EventStore
import Runtime

/// What a login gives.
public struct TokenPair: Sendable {
    /// For `Authorization: Bearer`.
    public let accessToken: String
    /// Seconds until it is over.
    public let expiresIn: Int64
    /// For the next pair; good once.
    public let refreshToken: String
    /// For which organization the access token speaks.
    public let organizationID: UniqueID
}

/// Why a person was not let in.
public enum AccountError: Error, Sendable {
    /// The address or the password is wrong; which of them is not said.
    case wrongCredentials
    /// Too many attempts; not before so many seconds.
    case heldUp(seconds: Int64)
    /// Too many wait for a password to be checked.
    case overloaded
    /// The refresh token is unknown, over, or was used before.
    case badRefreshToken
    /// The person does not belong to the organization, or to none.
    case notAMember
}

/// What people do with their accounts.
public struct Accounts: Sendable {
    private let people: PeopleStore
    private let attempts: LoginGuard
    private let hasher: PasswordHasher
    private let tokens: AccessTokens
    private let sessions: SessionAuthority

    /// Makes it of its parts.
    public init(
        people: PeopleStore, attempts: LoginGuard, hasher: PasswordHasher, tokens: AccessTokens,
        sessions: SessionAuthority
    ) {
        self.people = people
        self.attempts = attempts
        self.hasher = hasher
        self.tokens = tokens
        self.sessions = sessions
    }

    /// Makes an account.
    ///
    /// - Throws: ``AccountError``; ``EventStoreError`` of code `conflict` when the name or the address is taken, and
    ///   `absent` when there is no such invitation.
    public func register(
        username: String, email: String, password: String, invitation: String?, from origin: Origin
    ) async throws -> (person: Person, membership: Membership) {
        if let seconds = try await attempts.registration(address: origin.address) {
            throw AccountError.heldUp(seconds: seconds)
        }
        let hash = try await unlessOverloaded {
            try await hasher.hash(password, network: LoginGuard.network(of: origin.address))
        }
        return try await people.register(
            username: username, email: email, passwordHash: hash, invitation: invitation, from: origin)
    }

    /// Opens a session.
    ///
    /// - Throws: ``AccountError``.
    public func logIn(
        email: String, password: String, organizationID: UniqueID?, from origin: Origin
    ) async throws -> TokenPair {
        let known = try await people.person(email: email)
        let attempt = try await check(password, of: email, known?.passwordHash, from: origin)
        guard let known else { throw AccountError.wrongCredentials }
        let opening = try await people.open(
            for: known.person.id, passwordHash: known.passwordHash, organizationID: organizationID, from: origin)
        switch opening {
        case .passwordChanged: throw AccountError.wrongCredentials
        case .notAMember:
            try await attempts.succeeded(attempt, person: known.person.id)
            throw AccountError.notAMember
        case .opened(let session):
            try await attempts.succeeded(attempt, person: known.person.id)
            return try await pair(session)
        }
    }

    /// Exchanges a refresh token for a new pair, for the same organization or another.
    ///
    /// - Throws: ``AccountError``.
    public func refresh(
        _ token: String, organizationID: UniqueID?, from origin: Origin
    ) async throws -> TokenPair {
        switch try await people.renew(token, organizationID: organizationID, from: origin) {
        case .renewed(let session): return try await pair(session)
        case .reused(let session):
            sessions.forget(session: session)
            throw AccountError.badRefreshToken
        case .refused: throw AccountError.badRefreshToken
        case .notAMember: throw AccountError.notAMember
        }
    }

    /// Ends a session.
    public func logOut(
        _ session: UniqueID, of person: UniqueID, organizationID: UniqueID, from origin: Origin
    ) async throws {
        try await people.close(session, of: person, organizationID: organizationID, from: origin)
        sessions.forget(session: session)
    }

    /// Changes a password and ends the person's other sessions.
    ///
    /// - Parameter flaw: what is wrong with the new password for this person, thrown on.
    /// - Throws: ``AccountError``.
    public func changePassword(
        of person: UniqueID, in session: UniqueID, organizationID: UniqueID, from current: String, to new: String,
        origin: Origin, checking: @Sendable (Person) throws -> Void
    ) async throws {
        guard let known = try await people.person(person) else { throw AccountError.wrongCredentials }
        try checking(known.person)
        let attempt = try await check(current, of: known.person.email, known.passwordHash, from: origin)
        try await attempts.succeeded(attempt, person: person)
        let hash = try await unlessOverloaded {
            try await hasher.hash(new, network: LoginGuard.network(of: origin.address))
        }
        let isChanged = try await people.changePassword(
            person, from: known.passwordHash, to: hash, keeping: session, organizationID: organizationID,
            origin: origin)
        guard isChanged else { throw AccountError.wrongCredentials }
        sessions.forget(person: person)
    }

    /// Checks a password, as slowly when there is no such account.
    private func check(
        _ password: String, of email: String, _ hash: String?, from origin: Origin
    ) async throws -> LoginGuard.Attempt {
        let attempt: LoginGuard.Attempt
        switch try await attempts.attempt(email: email, address: origin.address) {
        case .refused(let seconds): throw AccountError.heldUp(seconds: seconds)
        case .allowed(let allowed): attempt = allowed
        }
        let isRight: Bool
        do {
            isRight = try await hasher.verify(password, hash, network: LoginGuard.network(of: origin.address))
        } catch {
            try await attempts.withdraw(attempt)
            throw error is PasswordHasher.Overloaded ? AccountError.overloaded : error
        }
        guard isRight else { throw AccountError.wrongCredentials }
        return attempt
    }

    private func unlessOverloaded<R: Sendable>(_ body: () async throws -> R) async throws -> R {
        do {
            return try await body()
        } catch is PasswordHasher.Overloaded {
            throw AccountError.overloaded
        }
    }

    private func pair(_ session: OpenedSession) async throws -> TokenPair {
        TokenPair(
            accessToken: try await tokens.sign(session), expiresIn: AccessTokens.lifetimeSeconds,
            refreshToken: session.refreshToken, organizationID: session.organizationID)
    }
}
