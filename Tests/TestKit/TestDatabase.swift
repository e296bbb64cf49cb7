public import Logging
public import PostgresWire

/// A logger for tests, silent below errors.
public let testLogger: Logger = {
    var logger = Logger(label: "tests")
    logger.logLevel = .error
    return logger
}()

/// Lends a fresh, empty database, and drops it afterwards.
public func withTestDatabase<R>(_ body: (PostgresConfiguration) async throws -> R) async throws -> R {
    try await withTestDatabase(copyOf: nil, body)
}

func withTestDatabase<R>(
    copyOf template: String?, _ body: (PostgresConfiguration) async throws -> R
) async throws -> R {
    let name = randomDatabaseName()
    let admin = try await PostgresConnection.connect(try TestServers.postgres(database: "postgres"), logger: testLogger)
    // A copy of files takes half as long as one that goes through the WAL.
    let source = template.map { " TEMPLATE \($0) STRATEGY file_copy" } ?? ""
    try await admin.execute(script: "CREATE DATABASE \(name)\(source)")
    let result: Result<R, any Error>
    do {
        result = .success(try await body(try TestServers.postgres(database: name)))
    } catch {
        result = .failure(error)
    }
    // FORCE ends the connections of whatever the test left behind.
    try await admin.execute(script: "DROP DATABASE IF EXISTS \(name) WITH (FORCE)")
    return try result.get()
}

func randomDatabaseName() -> String { "test_\(String(UInt64.random(in: .min ... .max), radix: 36))" }

/// Lends a pool; its connections close with it.
public func withTestPool<R>(
    _ configuration: PostgresConfiguration, size: Int = 8, _ body: (PostgresPool) async throws -> R
) async throws -> R {
    let pool = PostgresPool(configuration: configuration, size: size, logger: testLogger)
    return try await body(pool)
}

/// Lends one connection; it closes when nobody has it any more.
public func withTestConnection<R>(
    _ configuration: PostgresConfiguration, _ body: (PostgresConnection) async throws -> R
) async throws -> R {
    try await body(try await PostgresConnection.connect(configuration, logger: testLogger))
}
