/// How to reach one database, as one role.
public struct PostgresConfiguration: Sendable {
    /// Host name or address.
    public var host: String
    /// TCP port.
    public var port: Int
    /// Name of the database.
    public var database: String
    /// Account to log in with.
    public var user: String
    /// Its password; nil where the server asks for none.
    public var password: String?
    /// Role that each session takes on from its first statement, and returns to on `RESET ROLE`.
    public var role: String?
    /// Name shown in `pg_stat_activity`.
    public var applicationName: String
    /// A statement that runs longer is cancelled by the server; 0 for no limit.
    public var statementTimeoutMilliseconds: Int
    /// A session that leaves its transaction idle for longer is ended by the server, which releases its locks.
    public var idleInTransactionTimeoutMilliseconds: Int
    /// How long to wait for a connection to be made.
    public var connectTimeoutSeconds: Int

    /// Makes a configuration; the times are those of a service that must notice a dead peer within seconds.
    public init(
        host: String, port: Int, database: String, user: String, password: String?, role: String? = nil,
        applicationName: String, statementTimeoutMilliseconds: Int = 30_000,
        idleInTransactionTimeoutMilliseconds: Int = 1_000, connectTimeoutSeconds: Int = 5
    ) {
        self.host = host
        self.port = port
        self.database = database
        self.user = user
        self.password = password
        self.role = role
        self.applicationName = applicationName
        self.statementTimeoutMilliseconds = statementTimeoutMilliseconds
        self.idleInTransactionTimeoutMilliseconds = idleInTransactionTimeoutMilliseconds
        self.connectTimeoutSeconds = connectTimeoutSeconds
    }

    /// The connection parameters of libpq ("Parameter Key Words" of its documentation).
    var keywords: [(String, String)] {
        var options = [
            "-c statement_timeout=\(statementTimeoutMilliseconds)",
            "-c idle_in_transaction_session_timeout=\(idleInTransactionTimeoutMilliseconds)",
            "-c timezone=UTC",
        ]
        if let role { options.append("-c role=\(Self.escape(role))") }
        var words = [
            ("host", host), ("port", String(port)), ("dbname", database), ("user", user),
            ("application_name", applicationName), ("client_encoding", "UTF8"),
            ("options", options.joined(separator: " ")),
            // Asked for by nobody, and it looks for tickets in the file system before each connection.
            ("gssencmode", "disable"),
            // A peer that vanished without a word is noticed in about ten seconds instead of two hours.
            ("keepalives_idle", "5"), ("keepalives_interval", "2"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "10000"),
        ]
        if let password { words.append(("password", password)) }
        return words
    }

    /// Blanks part options, and backslashes escape (`pg_split_opts` of the server).
    private static func escape(_ value: String) -> String {
        value.reduce(into: "") { text, character in
            if character == "\\" || character.isWhitespace { text.append("\\") }
            text.append(character)
        }
    }
}

extension PostgresConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Where to and as whom, without the password.
    public var description: String { "\(user)@\(host):\(port)/\(database)" }
    /// The same, so that no dump shows the password either.
    public var debugDescription: String { description }
    /// No children: they would show the password.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
