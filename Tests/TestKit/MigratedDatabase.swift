import EventStore
public import PostgresWire

/// Folder of the numbered SQL files.
public let migrationsFolder: String = {
    let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
    return root + "/database/migrations"
}()

/// Lends a fresh database with the newest schema, and drops it afterwards.
///
/// It is a copy of one that is migrated once in a run: to migrate takes ten times as long as to copy.
public func withMigratedDatabase<R>(_ body: (PostgresConfiguration) async throws -> R) async throws -> R {
    try await withTestDatabase(copyOf: try await MigratedTemplate.shared.name(), body)
}

/// The database that others are copies of. It stays until its server ends, and nobody is connected to it.
private actor MigratedTemplate {
    static let shared = MigratedTemplate()

    private var made: Task<String, any Error>?

    /// Its name; the first caller makes it, and all others wait for that.
    func name() async throws -> String {
        let making = made ?? Task { try await Self.make() }
        made = making
        return try await making.value
    }

    private static func make() async throws -> String {
        let name = randomDatabaseName()
        let admin = try await PostgresConnection.connect(
            try TestServers.postgres(database: "postgres"), logger: testLogger)
        try await admin.execute(script: "CREATE DATABASE \(name)")
        let database = try TestServers.postgres(database: name)
        _ = try await Migrator(database, folder: migrationsFolder, logger: testLogger).run()
        return name
    }
}
