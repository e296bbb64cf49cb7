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
        fileprivate let account: Counted
        /// Nil when the network was held up, and this attempt let through because its person is known there.
        fileprivate let network: Counted?
        fileprivate let place: [UInt8]
    }

    /// That an attempt was counted, so that it can be taken back.
    fileprivate struct Counted {
        let subject: [UInt8]
        /// Until when this attempt has blocked those that follow; nil when it has not.
        let block: Timestamp?
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
    ///
    /// The network comes first: one that is held up leaves no trace for each account that it tries.
    public func attempt(email: String, address: String) async throws -> Decision {
        let network = Self.network(of: address)
        let place = subject("place", network)
        return try await people.withIdentity { connection in
            try await connection.query(PeopleStatements.pruneAttempts)
            let email: String = try await connection.query(PeopleStatements.emailKey, [.text(email)])[0].decode(0)
            let isKnown: Bool = try await connection.query(
                PeopleStatements.isKnownPlace, [.text(email), .bytes(place)])[0].decode(0)
            let ofNetwork = try await Self.count(subject("network", network), limits.ofNetwork, on: connection)
            if case .refused(let seconds) = ofNetwork, !isKnown { return .refused(seconds: seconds) }
            switch try await Self.count(subject("account", email, network), limits.ofAccount, on: connection) {
            case .refused(let seconds):
                if case .counted(let counted) = ofNetwork { try await Self.uncount(counted, on: connection) }
                return .refused(seconds: seconds)
            case .counted(let counted):
                return .allowed(Attempt(account: counted, network: ofNetwork.counted, place: place))
            }
        }
    }

    /// Counts a registration; how many seconds it must wait, or nil.
    public func registration(address: String) async throws -> Int64? {
        let network = subject("registration", Self.network(of: address))
        return try await people.withIdentity { connection in
            try await connection.query(PeopleStatements.pruneAttempts)
            guard case .refused(let seconds) = try await Self.count(network, limits.registrations, on: connection)
            else { return nil }
            return seconds
        }
    }

    /// An attempt went well: it counts no longer, and the network is known from now on.
    ///
    /// Only this attempt is taken back from the network's: whoever has an account of their own would otherwise lift
    /// the block that their guesses at others have brought about.
    public func succeeded(_ attempt: Attempt, person: UniqueID) async throws {
        try await people.withIdentity { connection in
            if let network = attempt.network { try await Self.uncount(network, on: connection) }
            try await connection.query(PeopleStatements.forgetAttempts, [.bytes(attempt.account.subject)])
            try await connection.query(PeopleStatements.notePlace, [.uuid(person), .bytes(attempt.place)])
            try await connection.query(PeopleStatements.prunePlaces, [.uuid(person)])
        }
    }

    /// An attempt was not made after all, for a reason that is ours.
    public func withdraw(_ attempt: Attempt) async throws {
        try await people.withIdentity { connection in
            if let network = attempt.network { try await Self.uncount(network, on: connection) }
            try await Self.uncount(attempt.account, on: connection)
        }
    }

    private enum Count {
        case counted(Counted)
        case refused(seconds: Int64)

        var counted: Counted? {
            if case .counted(let counted) = self { counted } else { nil }
        }
    }

    private static func count(
        _ subject: [UInt8], _ limit: Int32, on connection: PostgresConnection
    ) async throws -> Count {
        let row = try await connection.query(PeopleStatements.countAttempt, [.bytes(subject), .int4(limit)])[0]
        guard try !row.decode(0, as: Bool.self) else { return .refused(seconds: max(1, try row.decode(1))) }
        return .counted(Counted(subject: subject, block: try row.decodeIfPresent(2)))
    }

    private static func uncount(_ counted: Counted, on connection: PostgresConnection) async throws {
        try await connection.query(
            PeopleStatements.uncountAttempt, [.bytes(counted.subject), .optional(counted.block)])
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
