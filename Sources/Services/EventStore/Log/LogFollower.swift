public import EventModel
public import PostgresWire
import Synchronization

/// The events that a follower works on, and the transaction in which it does.
public struct FollowerBatch: Sendable {
    /// The part of the log.
    public let part: Int16
    /// Position of the last event before the batch.
    public let fromPosition: Int64
    /// Position of the last event in it.
    public let toPosition: Int64
    /// In log order.
    public let events: [Event]
    /// What is written through it commits together with the new position, or not at all.
    public let session: PostgresConnection
    /// Whether this process wrote the position that the batch starts from; only then is what it remembers of the part
    /// still true.
    public let isContinuation: Bool
}

/// Follows the log so that every event is worked on exactly once, by any number of replicas.
///
/// A batch is one transaction: lock the position of a part that has work and that nobody else has locked, read the
/// events after it, let the body write what follows from them, write the new position, commit. A crash at any point
/// undoes all of it; a replica that hangs is ended by the server (`idle_in_transaction_session_timeout`) and undone the
/// same way.
public final class LogFollower: Sendable {
    private let pool: PostgresPool
    private let follower: String
    private let batchLimit: Int
    private struct State {
        var isEnrolled = false
        var written: [Int16: Int64] = [:]
    }
    private let state = Mutex(State())

    private struct Done {
        let part: Int16
        let position: Int64
        let count: Int
    }

    /// Makes a follower.
    ///
    /// - Parameters:
    ///   - pool: of the pipeline's role.
    ///   - follower: its name; replicas of the same name share the work.
    ///   - batchLimit: most events of a batch.
    public init(pool: PostgresPool, follower: String, batchLimit: Int) {
        self.pool = pool
        self.follower = follower
        self.batchLimit = batchLimit
    }

    /// Works on one batch of one part; returns the number of its events, 0 when no part has work that is free.
    public func processNext(_ body: (FollowerBatch) async throws -> Void) async throws -> Int {
        try await enrol()
        let done: Done? = try await pool.withTransaction { connection in
            // A random start spreads replicas over the parts and keeps a busy part from holding up the others.
            let start = Int16.random(in: 0..<LogPart.count)
            let found = try await connection.query(Self.lock, [.text(follower), .int2(start)])
            guard let row = found.first else { return nil }
            let part = try row.decode(0, as: Int16.self)
            let position = try row.decode(1, as: Int64.self)
            let rows = try await connection.query(
                LogReader.read, [.int2(part), .int8(position), .int8(Int64(batchLimit))])
            let events = try EventRows.events(rows)
            guard let last = events.last else {
                // The head was read before the events: when there are none up to it, retention has dropped what was
                // there before this follower came.
                let head = try row.decode(2, as: Int64.self)
                _ = try await connection.query(Self.advance, [.text(follower), .int2(part), .int8(head)])
                return Done(part: part, position: head, count: 0)
            }
            try await body(
                FollowerBatch(
                    part: part, fromPosition: position, toPosition: last.position, events: events, session: connection,
                    isContinuation: state.withLock { $0.written[part] == position }))
            _ = try await connection.query(Self.advance, [.text(follower), .int2(part), .int8(last.position)])
            return Done(part: part, position: last.position, count: events.count)
        }
        guard let done else { return 0 }
        state.withLock { $0.written[done.part] = done.position }
        return done.count
    }

    private func enrol() async throws {
        guard !state.withLock({ $0.isEnrolled }) else { return }
        _ = try await pool.query(Self.enrol, [.text(follower)])
        state.withLock { $0.isEnrolled = true }
    }

    static let enrol = PostgresStatement(
        "follower_enrol",
        """
        INSERT INTO follower_positions (follower, part) SELECT $1, part FROM log_parts
        ON CONFLICT (follower, part) DO NOTHING
        """)

    private static let lock = PostgresStatement(
        "follower_lock",
        """
        SELECT f.part, f.position, p.head FROM follower_positions f JOIN log_parts p USING (part)
        WHERE f.follower = $1 AND p.head > f.position
        ORDER BY (f.part + $2) % 64 LIMIT 1 FOR UPDATE OF f SKIP LOCKED
        """)

    private static let advance = PostgresStatement(
        "follower_advance",
        "UPDATE follower_positions SET position = $3, updated_at = now() WHERE follower = $1 AND part = $2")
}
