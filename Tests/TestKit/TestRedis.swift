import Synchronization

/// A place in the private Redis for one test.
public struct TestRedis: Sendable {
    /// Always 127.0.0.1; no password.
    public let host = "127.0.0.1"
    /// TCP port.
    public let port: Int
    /// One of the server's numbered databases, given to no other test of this process.
    public let database: Int
    /// For keys, where a test wants to be told from others in the same database.
    public let keyPrefix: String

    /// The next place; fails outside `Tests/with-servers`.
    public static func make() throws -> TestRedis {
        let database = lastDatabase.withLock { last in
            last += 1
            return last
        }
        return TestRedis(port: try TestServers.redisPort, database: database, keyPrefix: "test:\(database):")
    }

    // Database 0 is left to the programs that are tested as a whole.
    private static let lastDatabase = Mutex(0)
}
