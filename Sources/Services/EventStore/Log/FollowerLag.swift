public import PostgresWire
public import Runtime

/// How far a follower is behind.
public struct FollowerLag: Sendable {
    private let pool: PostgresPool
    private let follower: String

    /// Makes a gauge for a follower that stores its position.
    public init(pool: PostgresPool, follower: String) {
        self.pool = pool
        self.follower = follower
    }

    /// Events that are committed and not yet worked on, over all parts.
    public func events() async throws -> Int64 {
        try await pool.query(Self.statement, [.text(follower)])[0].decode(0)
    }

    /// Ready as long as the lag can be told; its text is the lag.
    public var readiness: ReadinessCheck {
        ReadinessCheck("lag") {
            do {
                return .ready("\(try await events()) events")
            } catch {
                return .failing("unknown: the database cannot be reached")
            }
        }
    }

    private static let statement = PostgresStatement(
        "follower_lag",
        """
        SELECT coalesce(sum(p.head - coalesce(f.position, 0)), 0)::bigint
        FROM log_parts p LEFT JOIN follower_positions f ON f.part = p.part AND f.follower = $1
        """)
}
