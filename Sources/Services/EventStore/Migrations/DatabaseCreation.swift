public import Logging
import PostgresWire
public import Runtime

/// Makes the database of a private server, whose first start has none but PostgreSQL's own.
public enum DatabaseCreation {
    /// Returns when the database can be used.
    ///
    /// - Parameter maintenance: whether the account may make the database when it is missing.
    public static func ensure(_ settings: DatabaseSettings, maintenance: Bool, logger: Logger) async throws {
        guard maintenance, let failure = await failure(settings, logger: logger) else {
            return try await use(settings, logger: logger)
        }
        // A failed connection has no code in libpq, only the server's words; they are English by our own choice of
        // locale, and a mistake here ends in the next attempt's error.
        guard failure.message.contains("does not exist") else { throw failure }
        var server = settings
        server.name = "postgres"
        let connection = try await PostgresConnection.connect(
            PostgresConfiguration(server, role: nil, name: "create"), logger: logger)
        let rows = try await connection.query(script, [.text(settings.name)])
        for row in rows { try await connection.execute(script: row.decode(0)) }
    }

    private static func failure(_ settings: DatabaseSettings, logger: Logger) async -> PostgresError? {
        do throws(PostgresError) {
            try await use(settings, logger: logger)
            return nil
        } catch {
            return error
        }
    }

    private static func use(_ settings: DatabaseSettings, logger: Logger) async throws(PostgresError) {
        _ = try await PostgresConnection.connect(
            PostgresConfiguration(settings, role: nil, name: "create"), logger: logger)
    }

    private static let script = PostgresStatement("create_database", "SELECT format('CREATE DATABASE %I', $1)")
}
