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
        if let role { options.append("-c role=\(role)") }
        var words = [
            ("host", host), ("port", String(port)), ("dbname", database), ("user", user),
            ("application_name", applicationName), ("client_encoding", "UTF8"),
            ("connect_timeout", String(connectTimeoutSeconds)), ("options", options.joined(separator: " ")),
            // A peer that vanished without a word is noticed in about ten seconds instead of two hours.
            ("keepalives_idle", "5"), ("keepalives_interval", "2"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "10000"),
        ]
        if let password { words.append(("password", password)) }
        return words
    }
}
