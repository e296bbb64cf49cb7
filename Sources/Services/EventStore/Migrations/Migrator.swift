public import Logging
import PostgresWire
public import Runtime

/// Brings a database to the newest schema; forward only, each file in a transaction of its own.
///
/// Safe to run twice and by several processes at once: a lock of the database lets one apply while the others wait, and
/// then find nothing to do.
public struct Migrator: Sendable {
    private let configuration: PostgresConfiguration
    private let folder: String
    private let logger: Logger

    /// Makes a migrator.
    ///
    /// - Parameters:
    ///   - settings: the account that owns the tables, or will.
    ///   - folder: of the numbered SQL files.
    public init(_ settings: DatabaseSettings, folder: String, logger: Logger) {
        self.init(PostgresConfiguration(settings, role: nil, name: "migrate"), folder: folder, logger: logger)
    }

    /// Makes a migrator of a whole configuration.
    public init(_ configuration: PostgresConfiguration, folder: String, logger: Logger) {
        var configuration = configuration
        // An index on a large table may take its time, and others wait for the lock meanwhile.
        configuration.statementTimeoutMilliseconds = 0
        configuration.idleInTransactionTimeoutMilliseconds = 0
        self.configuration = configuration
        self.folder = folder
        self.logger = logger
    }

    /// Applies what is missing.
    ///
    /// - Parameter report: called with the name of each migration before it is applied.
    /// - Returns: how many were applied.
    public func run(report: @Sendable (String) -> Void = { _ in }) async throws -> Int {
        let migrations = try Migration.load(from: folder)
        let connection = try await PostgresConnection.connect(configuration, logger: logger)
        _ = try await connection.query(Self.lock)
        try await connection.execute(script: Self.makeTable)
        let applied = try await applied(on: connection)
        if applied.count > migrations.count {
            throw EventStoreError(
                .migration,
                "the database is at version \(applied.count), this release knows \(migrations.count); use a newer one")
        }
        for (migration, checksum) in zip(migrations, applied) where migration.checksum != checksum {
            throw EventStoreError(
                .migration, "\(migration.name) was changed after it had been applied; restore the file, add a new one")
        }
        for migration in migrations.dropFirst(applied.count) {
            report(migration.name)
            try await apply(migration, on: connection)
        }
        return migrations.count - applied.count
    }

    /// Makes sure that an account can log in and take on the services' roles, and nothing else.
    public func grantServices(to login: String, password: String) async throws {
        let connection = try await PostgresConnection.connect(configuration, logger: logger)
        let rows = try await connection.query(Self.loginScript, [.text(login), .text(password)])
        for row in rows { try await connection.execute(script: try row.decode(0)) }
    }

    private func applied(on connection: PostgresConnection) async throws -> [String] {
        try await connection.query(Self.appliedMigrations).map { try $0.decode(0) }
    }

    private func apply(_ migration: Migration, on connection: PostgresConnection) async throws {
        do {
            try await connection.begin()
            try await connection.execute(script: migration.sql)
            _ = try await connection.query(
                Self.note, [.int4(migration.version), .text(migration.name), .text(migration.checksum)])
            try await connection.commit()
        } catch {
            await connection.rollback()
            throw EventStoreError(.migration, "\(migration.name): \(error)")
        }
    }

    /// Held until the session ends.
    private static let lock = PostgresStatement(
        "migrate_lock", "SELECT pg_advisory_lock(hashtext('collider.migrate'))")

    private static let makeTable = """
        CREATE TABLE IF NOT EXISTS schema_migrations (
            version integer PRIMARY KEY,
            name text NOT NULL,
            checksum text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now()
        )
        """

    private static let appliedMigrations = PostgresStatement(
        "migrations_applied", "SELECT checksum FROM schema_migrations ORDER BY version")

    private static let note = PostgresStatement(
        "migration_note", "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)")

    /// Utility statements take no parameters, so the server itself quotes the values and hands the text back.
    private static let loginScript = PostgresStatement(
        "login_script",
        """
        SELECT format(
            CASE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = $1) THEN 'ALTER' ELSE 'CREATE' END
            || ' ROLE %I LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD %L', $1, $2)
        UNION ALL
        SELECT format('GRANT collider_gateway, collider_pipeline, collider_identity TO %I', $1)
        """)
}
