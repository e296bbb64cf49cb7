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
    /// Whether the batch holds all that there was to read when the transaction began.
    public let isWhole: Bool
    /// The server's clock when the transaction began, before anything was read.
    public let beganAt: Timestamp
    /// Whether this process wrote the part's row last; only then is what it remembers of the part still true.
    public let isContinuation: Bool
}

/// A part of which every event has been worked on, locked as for a batch, and the transaction in which it is.
public struct SettledPart: Sendable {
    /// The part of the log.
    public let part: Int16
    /// What is written through it commits together with the part's new revision, or not at all.
    public let session: PostgresConnection
    /// The server's clock when the transaction began: whatever enters the part from then on, the caller has not seen.
    public let beganAt: Timestamp
    /// Whether this process wrote the part's row last; only then is what it remembers of the part still true.
    public let isContinuation: Bool
}

/// Follows the log so that every event is worked on exactly once, by any number of replicas.
///
/// A batch is one transaction: lock the position of a part that has work and that nobody else has locked, read the
/// events after it, let the body write what follows from them, write the new position, commit. A crash at any point
/// undoes all of it; a replica that hangs is ended by the server (`idle_in_transaction_session_timeout`) and undone the
/// same way.
///
/// Each of these transactions raises the row's revision, so that a replica which comes back to a part knows whether it
/// was the last one there.
public final class LogFollower: Sendable {
    private let pool: PostgresPool
    private let follower: String
    private let batchLimit: Int
    private struct State {
        var isEnrolled = false
        var written: [Int16: Place] = [:]
    }
    private let state = Mutex(State())

    /// What a row says.
    private struct Place: Equatable {
        let position: Int64
        let revision: Int64
    }

    private struct Done {
        let part: Int16
        let place: Place
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
            let place = try Place(position: row.decode(1), revision: row.decode(2))
            let head = try row.decode(3, as: Int64.self)
            let rows = try await connection.query(
                LogReader.read, [.int2(part), .int8(place.position), .int8(Int64(batchLimit))])
            let events = try EventRows.events(rows)
            guard let last = events.last else {
                // The head was read before the events: when there are none up to it, retention has dropped what was
                // there before this follower came.
                return Done(part: part, place: try await advance(part, from: place, to: head, connection), count: 0)
            }
            try await body(
                FollowerBatch(
                    part: part, fromPosition: place.position, toPosition: last.position, events: events,
                    session: connection, isWhole: last.position >= head, beganAt: try row.decode(4),
                    isContinuation: isOwn(place, of: part)))
            let next = try await advance(part, from: place, to: last.position, connection)
            return Done(part: part, place: next, count: events.count)
        }
        guard let done else { return 0 }
        state.withLock { $0.written[done.part] = done.place }
        return done.count
    }

    /// Locks a part for something else than a batch, if every event of it has been worked on and nobody else has
    /// locked it.
    ///
    /// - Parameter body: returns whether it has written what others must not take for unchanged.
    public func withSettled(_ part: Int16, _ body: (SettledPart) async throws -> Bool) async throws {
        try await enrol()
        let written: Place? = try await pool.withTransaction { connection in
            let key: [PostgresParameter] = [.text(follower), .int2(part)]
            guard let row = try await connection.query(Self.lockPart, key).first else { return nil }
            let place = try Place(position: row.decode(0), revision: row.decode(1))
            // A statement of its own sees the head as it is now that the row is locked.
            let head = try await connection.query(Self.head, [.int2(part)])
            guard try head.first?.decode(0, as: Int64.self) == place.position else { return nil }
            let hasChanged = try await body(
                SettledPart(
                    part: part, session: connection, beganAt: try row.decode(2),
                    isContinuation: isOwn(place, of: part)))
            return hasChanged ? try await advance(part, from: place, to: place.position, connection) : nil
        }
        if let written { state.withLock { $0.written[part] = written } }
    }

    /// Shows the server that a batch whose body computes for long is still being worked on.
    public static func keepAlive(on session: PostgresConnection) async throws {
        _ = try await session.query(Self.stillHere)
    }

    private func isOwn(_ place: Place, of part: Int16) -> Bool {
        state.withLock { $0.written[part] == place }
    }

    private func advance(
        _ part: Int16, from place: Place, to position: Int64, _ connection: PostgresConnection
    ) async throws -> Place {
        let next = Place(position: position, revision: place.revision + 1)
        _ = try await connection.query(
            Self.advance, [.text(follower), .int2(part), .int8(next.position), .int8(next.revision)])
        return next
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
        SELECT f.part, f.position, f.revision, p.head, now() FROM follower_positions f JOIN log_parts p USING (part)
        WHERE f.follower = $1 AND p.head > f.position
        ORDER BY (f.part + $2) % 64 LIMIT 1 FOR UPDATE OF f SKIP LOCKED
        """)

    private static let lockPart = PostgresStatement(
        "follower_lock_part",
        """
        SELECT position, revision, now() FROM follower_positions WHERE follower = $1 AND part = $2
        FOR UPDATE SKIP LOCKED
        """)

    private static let stillHere = PostgresStatement("follower_keep_alive", "SELECT 1")

    private static let head = PostgresStatement("follower_head", "SELECT head FROM log_parts WHERE part = $1")

    private static let advance = PostgresStatement(
        "follower_advance",
        """
        UPDATE follower_positions SET position = $3, revision = $4, updated_at = now()
        WHERE follower = $1 AND part = $2
        """)
}
