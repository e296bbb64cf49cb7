import Glibc
public import PostgresWire

/// The private servers that `Tests/with-servers` started for this run.
public enum TestServers {
    /// Port of PostgreSQL on 127.0.0.1; user `collider`, no password.
    public static var postgresPort: Int { get throws { try port("COLLIDER_TEST_POSTGRES_PORT") } }
    /// Port of Redis on 127.0.0.1; no password.
    public static var redisPort: Int { get throws { try port("COLLIDER_TEST_REDIS_PORT") } }

    /// The superuser's way into a database of that name.
    public static func postgres(database: String, role: String? = nil) throws -> PostgresConfiguration {
        PostgresConfiguration(
            host: "127.0.0.1", port: try postgresPort, database: database, user: "collider", password: nil, role: role,
            applicationName: "tests",
            // Longer than in production: suites that run side by side on two cores may hold each other up for seconds.
            idleInTransactionTimeoutMilliseconds: 20_000)
    }

    private static func port(_ name: String) throws -> Int {
        guard let text = getenv(name), let port = Int(String(cString: text)) else {
            throw MissingServers(variable: name)
        }
        return port
    }
}

/// The tests were started without their servers.
public struct MissingServers: Error, CustomStringConvertible {
    let variable: String
    /// What to do about it.
    public var description: String {
        "\(variable) is not set: run `make test`, or `Tests/with-servers swift test --skip-build`"
    }
}
