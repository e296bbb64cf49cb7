public import EventModel
public import EventStore
import Runtime
import Synchronization

/// Who an access token speaks for.
///
/// The token says who, the database says whether the session still lasts and what the person may do now. That is
/// remembered for 10 seconds, so that a logout, a lost role or a reused refresh token takes effect within that time,
/// and at once on the gateway that was asked for it.
public final class SessionAuthority: Sendable {
    private struct Remembered {
        let principal: Principal
        let session: UniqueID
        let until: ContinuousClock.Instant
    }

    private struct Memory {
        var tokens: [CredentialMark: Remembered] = [:]
        /// How often something was forgotten: what was being looked up meanwhile may be out of date.
        var forgotten = 0

        mutating func forget(where isMeant: (Remembered) -> Bool) {
            tokens = tokens.filter { !isMeant($0.value) }
            forgotten += 1
        }
    }

    private static let memoryLimit = 10_000
    private static let memoryTime = Duration.seconds(10)

    private let tokens: AccessTokens
    private let people: PeopleStore
    private let memory = Mutex(Memory())

    /// Makes an authority.
    public init(tokens: AccessTokens, people: PeopleStore) {
        self.tokens = tokens
        self.people = people
    }

    /// Who a token speaks for, or nil when it is not one of ours, over, or of a session that is over.
    public func authenticate(_ token: String) async throws -> Principal? {
        guard token.utf8.count <= AccessTokens.maximumLength else { return nil }
        let mark = CredentialMark(token)
        let now = ContinuousClock.now
        let (known, forgotten) = memory.withLock { ($0.tokens[mark], $0.forgotten) }
        if let known, known.until > now { return known.principal }
        guard let claims = await tokens.verify(token),
            let role = try await people.role(
                session: claims.sessionID, person: claims.personID, organizationID: claims.organizationID)
        else { return nil }
        let principal = Principal(
            actor: .person(claims.personID, session: claims.sessionID, role: role),
            organizationID: claims.organizationID, scopes: role.scopes)
        let left = Duration.seconds(claims.expiresAt) - .microseconds(Timestamp.now().microseconds)
        memory.withLock {
            guard $0.forgotten == forgotten else { return }
            if $0.tokens.count >= Self.memoryLimit { $0.tokens.removeAll(keepingCapacity: true) }
            $0.tokens[mark] = Remembered(
                principal: principal, session: claims.sessionID, until: now.advanced(by: min(Self.memoryTime, left)))
        }
        return principal
    }

    /// Asks the database again at the next request of a session.
    public func forget(session: UniqueID) {
        memory.withLock { $0.forget { $0.session == session } }
    }

    /// Asks the database again at the next request of a person.
    public func forget(person: UniqueID) {
        memory.withLock { $0.forget { $0.principal.person?.id == person } }
    }
}
