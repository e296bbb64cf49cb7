public import Logging
public import PostgresWire
public import Runtime

/// What a process may see and do; each is a role of the database (see the first migration).
public enum DatabaseRole: String, Sendable {
    /// Serves tenants: the rows of the organization that a transaction has set, and no others.
    case gateway = "collider_gateway"
    /// Follows the log of all organizations, and works on what came of it.
    case pipeline = "collider_pipeline"
    /// Makes organizations and keys.
    case admin = "collider_admin"
}

/// A connection as a process hands it from one store to the next; only stores speak to it.
public typealias StoreConnection = PostgresConnection

/// A pool as a process hands it to its stores; only stores borrow from it.
public typealias StorePool = PostgresPool

/// Pools as the processes use them.
public enum EventStorePool {
    /// A pool whose sessions have taken on a role; with nil they keep the account's own rights, as migrations need.
    public static func make(
        _ settings: DatabaseSettings, role: DatabaseRole?, name: String, logger: Logger
    ) -> PostgresPool {
        PostgresPool(
            configuration: PostgresConfiguration(settings, role: role, name: name), size: settings.maxConnections,
            logger: logger)
    }
}

extension DatabaseSettings {
    /// Settings for two pools that together have as many connections as are allowed, but each at least one.
    ///
    /// - Parameter second: how many are the second's.
    public func divided(second: Int) -> (DatabaseSettings, DatabaseSettings) {
        var halves = (self, self)
        halves.1.maxConnections = max(1, second)
        halves.0.maxConnections = max(1, maxConnections - halves.1.maxConnections)
        return halves
    }
}

extension PostgresConfiguration {
    init(_ settings: DatabaseSettings, role: DatabaseRole?, name: String) {
        self.init(
            host: settings.host, port: settings.port, database: settings.name, user: settings.user,
            password: settings.password, role: role?.rawValue, applicationName: name)
    }
}

extension ReadinessCheck {
    /// Whether the database answers.
    public static func database(_ pool: PostgresPool) -> ReadinessCheck {
        ReadinessCheck("database") {
            do {
                try await pool.query(ping)
                return .ready("connected")
            } catch {
                return .failing("cannot be reached")
            }
        }
    }

    private static let ping = PostgresStatement("ping", "SELECT 1")
}
