/// What went wrong between us and PostgreSQL.
///
/// Holds no password and no parameter value; the server's message may name a table, a column or a constraint.
public struct PostgresError: Error, Sendable, CustomStringConvertible {
    /// Where the fault lies.
    public enum Kind: String, Sendable {
        /// No connection, or it broke; whether the statement took effect is unknown.
        case connection
        /// The server refused the statement; see `sqlState`.
        case server
        /// A value is not of the type that was asked for.
        case decoding
        /// No connection of the pool became free in time, or too many callers wait already.
        case poolTimeout
    }

    /// Where the fault lies.
    public let kind: Kind
    /// Five characters of the SQL standard ("PostgreSQL Error Codes"), when the server sent them.
    public let sqlState: String?
    /// The server's or the library's words, on one line.
    public let message: String

    /// Makes an error.
    public init(_ kind: Kind, sqlState: String? = nil, _ message: String) {
        self.kind = kind
        self.sqlState = sqlState
        self.message = message.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    /// Whether the same call may succeed later: lost connections, shutdowns, deadlocks, serialization, no resources.
    public var isRetriable: Bool {
        if kind == .connection || kind == .poolTimeout { return true }
        guard let sqlState else { return false }
        return ["57P01", "57P02", "57P03", "57P05", "40001", "40P01", "25P03"].contains(sqlState)
            || sqlState.hasPrefix("53") || sqlState.hasPrefix("08")
    }

    /// One line for the log.
    public var description: String {
        "postgres \(kind.rawValue)\(sqlState.map { " \($0)" } ?? ""): \(message)"
    }
}
