import Crypto
public import EventModel
import PostgresWire
import Runtime

/// Slows down whoever guesses passwords, and nobody else.
///
/// Counted is who tries, never whom they try: one network on one account, and one network on all accounts. So nobody
/// can lock the owner of an account out by failing in their name from elsewhere. A network from which a person has
/// logged in before is not held up by what its other users do to other accounts. An attempt is counted before it is
/// made, so that many at once are no way around.
public struct LoginGuard: Sendable {
    /// Attempts that are let through before they are held up: 30 seconds, then twice as long each time, 15 minutes at
    /// most.
    public struct Limits: Sendable {
        /// Of one network on one account.
        public var ofAccount: Int32 = 5
        /// Of one network on all accounts.
        public var ofNetwork: Int32 = 100
        /// Accounts made from one network in an hour.
        public var registrations: Int32 = 30

        /// The usual ones.
        public init() {}
    }

    /// An attempt that was let through.
    public struct Attempt: Sendable {
        fileprivate let account: [UInt8]
        fileprivate let network: [UInt8]
        fileprivate let place: [UInt8]
    }

    /// Whether an attempt may be made.
    public enum Decision: Sendable {
        case allowed(Attempt)
        /// Not before so many seconds.
        case refused(seconds: Int64)
    }

    private let people: PeopleStore
    private let limits: Limits
    private let key: SymmetricKey

    /// Makes a guard.
    ///
    /// - Parameter secret: `JWT_SECRET`, from which the key is derived that hides whom attempts were made for.
    public init(people: PeopleStore, secret: String?, limits: Limits = Limits()) throws {
        self.people = people
        self.limits = limits
        key = try DerivedKey.make(secret, for: .loginSubjects)
    }

    /// Counts an attempt to log in, and says whether it may be made.
    public func attempt(email: String, address: String) async throws -> Decision {
        let network = Self.network(of: address)
        let email = email.lowercased()
        let attempt = Attempt(
            account: subject("account", email, network), network: subject("network", network),
            place: subject("place", network))
        return try await people.withIdentity { connection in
            try await connection.query(PeopleStatements.pruneAttempts)
            if let seconds = try await Self.count(attempt.account, limits.ofAccount, on: connection) {
                return .refused(seconds: seconds)
            }
            let isKnown: Bool = try await connection.query(
                PeopleStatements.isKnownPlace, [.text(email), .bytes(attempt.place)])[0].decode(0)
            if let seconds = try await Self.count(attempt.network, limits.ofNetwork, on: connection), !isKnown {
                return .refused(seconds: seconds)
            }
            return .allowed(attempt)
        }
    }

    /// Counts a registration; how many seconds it must wait, or nil.
    public func registration(address: String) async throws -> Int64? {
        let network = subject("registration", Self.network(of: address))
        return try await people.withIdentity { connection in
            try await connection.query(PeopleStatements.pruneAttempts)
            return try await Self.count(network, limits.registrations, on: connection)
        }
    }

    /// An attempt went well: it counts no longer, and the network is known from now on.
    public func succeeded(_ attempt: Attempt, person: UniqueID) async throws {
        try await people.withIdentity { connection in
            try await connection.query(PeopleStatements.forgetAttempts, [.bytes(attempt.account)])
            try await connection.query(PeopleStatements.uncountAttempt, [.bytes(attempt.network)])
            try await connection.query(PeopleStatements.notePlace, [.uuid(person), .bytes(attempt.place)])
            try await connection.query(PeopleStatements.prunePlaces, [.uuid(person)])
        }
    }

    /// An attempt was not made after all, for a reason that is ours.
    public func withdraw(_ attempt: Attempt) async throws {
        try await people.withIdentity { connection in
            try await connection.query(PeopleStatements.uncountAttempt, [.bytes(attempt.account)])
            try await connection.query(PeopleStatements.uncountAttempt, [.bytes(attempt.network)])
        }
    }

    private static func count(
        _ subject: [UInt8], _ limit: Int32, on connection: PostgresConnection
    ) async throws -> Int64? {
        let row = try await connection.query(PeopleStatements.countAttempt, [.bytes(subject), .int4(limit)])[0]
        return try row.decode(0, as: Bool.self) ? max(1, row.decode(1)) : nil
    }

    /// A person's addresses of version 6 share their first 64 bits.
    public static func network(of address: String) -> String {
        guard address.contains(":") else { return address }
        // An address of version 4, as a socket of version 6 shows it.
        guard !address.contains(".") else { return String(address[address.lastIndex(of: ":")!...].dropFirst()) }
        let groups = address.split(separator: ":", omittingEmptySubsequences: false)
        guard let gap = groups.indices.dropFirst().first(where: { groups[$0].isEmpty }), gap < 4 else {
            return groups.prefix(4).joined(separator: ":")
        }
        // The first four groups, with what `::` stands for.
        let behind = groups[gap...].drop { $0.isEmpty }
        let zeros = Array(repeating: Substring("0"), count: max(0, 8 - gap - behind.count))
        return (groups[..<gap].map { $0.isEmpty ? "0" : $0 } + zeros + behind).prefix(4).joined(separator: ":")
    }

    private func subject(_ parts: String...) -> [UInt8] {
        let text = parts.map { "\($0.utf8.count):\($0)" }.joined()
        return Array(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key).prefix(16))
    }
}
