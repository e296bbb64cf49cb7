import PostgresWire

/// What the stores refuse or fail at.
public struct EventStoreError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it is; callers decide by this.
    public enum Code: String, Sendable {
        /// What was named is not there.
        case absent
        /// Something else has that name or that state already.
        case conflict
        /// What is to be changed is no longer what the caller has seen.
        case stale
        /// A cursor that no list gave.
        case invalidCursor
        /// The queue in front of the log is full; nothing was stored.
        case overloaded
        /// PostgreSQL cannot be reached; whether anything was stored is unknown.
        case unavailable
        /// A stored secret that this process can't open.
        case sealed
        /// A question that takes longer to answer than is allowed.
        case timedOut
        /// A migration cannot be applied.
        case migration
        /// Something that cannot be, unless somebody else wrote to the database.
        case unexpected
    }

    /// What kind of failure it is.
    public let code: Code
    /// What happened, in words for the log or the caller; holds no secret.
    public let message: String

    /// Makes an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// What an error of PostgreSQL means to a caller that does not know PostgreSQL; nil for errors of others.
    public init?(explaining error: any Error) {
        switch error {
        case let error as EventStoreError: self = error
        case let error as PostgresError:
            self.init(error.isRetriable ? .unavailable : .unexpected, error.description)
        default: return nil
        }
    }

    /// Whether the same call may succeed later.
    public var isRetriable: Bool { code == .overloaded || code == .unavailable }

    /// One line for the log.
    public var description: String { "event store \(code.rawValue): \(message)" }
}

/// Codes of "PostgreSQL Error Codes" that mean something to a store.
enum SQLState {
    static let uniqueViolation = "23505"
    static let undefinedTable = "42P01"
    static let lockNotAvailable = "55P03"
    static let deadlockDetected = "40P01"
    /// Among them those that ran into `statement_timeout`.
    static let queryCanceled = "57014"
}
