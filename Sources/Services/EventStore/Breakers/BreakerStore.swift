import ActionModel
import EventModel
import PostgresWire
import Runtime

/// The circuit breakers of all endpoints, which workers and people share.
///
/// Every change happens under the lock of the breaker's row, by the pure state machine, and says so in the
/// organization's log in the same transaction. Nothing here is on the way of a delivery whose endpoint works: a claim
/// reads the breakers along, and what went well is told only while an endpoint is watched.
public struct BreakerStore: Sendable {
    let pool: PostgresPool

    /// Makes a store on a pool; the pool's role decides what it sees.
    public init(pool: PostgresPool) {
        self.pool = pool
    }

    /// Notes outcomes, each with how long ago it was, in their order.
    ///
    /// - Returns: what the breaker says after them.
    public func settle(
        _ key: EndpointKey, _ outcomes: [(outcome: EndpointOutcome, agoMicroseconds: Int64)]
    ) async throws -> BreakerReading {
        try await pool.withTransaction { connection in
            let (changed, now) = try await change(key, on: connection) { breaker, now in
                for (outcome, ago) in outcomes {
                    breaker.record(outcome, at: Timestamp(microseconds: now.microseconds - ago))
                }
            }
            return BreakerReading(changed.breaker, at: now)
        }
    }

    /// Asks whether a delivery may be sent; for breakers that may let a probe through.
    ///
    /// - Returns: also what the breaker says to all others.
    public func admit(
        _ key: EndpointKey, deliveryID: UniqueID
    ) async throws -> (admission: CircuitBreaker.Admission, reading: BreakerReading) {
        try await pool.withTransaction { connection in
            var admission = CircuitBreaker.Admission.send
            let (changed, now) = try await change(key, on: connection) { breaker, now in
                admission = breaker.admit(deliveryID, at: now)
            }
            return (admission, BreakerReading(changed.breaker, at: now))
        }
    }

    /// Makes deliveries due that wait for breakers which have closed meanwhile.
    ///
    /// - Returns: how many; `limit` of them mean that there may be more.
    public func release(limit: Int) async throws -> Int {
        try await pool.query(BreakerStatements.release, [.int8(Int64(limit))]).affectedRows
    }

    /// How many breakers of all organizations are in each state; for the pipeline's role.
    public func counts() async throws -> [CircuitBreaker.State: Int64] {
        let found = try await pool.query(BreakerStatements.count).map { row in
            (try Self.state(row, 0), try row.decode(1, as: Int64.self))
        }
        return Dictionary(uniqueKeysWithValues: found)
    }

    /// Forgets breakers that have been closed and quiet for a day.
    public func sweep() async throws {
        _ = try await pool.query(BreakerStatements.sweep)
    }
}

// MARK: - For people

extension BreakerStore {
    /// The organization's breakers that have had work, in the order in which they first had.
    ///
    /// - Parameter after: the last id of the page before.
    public func list(
        organizationID: UniqueID, state: CircuitBreaker.State? = nil, limit: Int, after: UniqueID? = nil
    ) async throws -> [EndpointBreaker] {
        let rows = try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(
                BreakerStatements.list,
                [.uuid(organizationID), .optional(state?.rawValue), .optional(after), .int8(Int64(limit))])
        }
        return try rows.map { try Self.breaker($0) }
    }

    /// One breaker, or nil when the organization has none of this id.
    public func breaker(_ id: UniqueID, organizationID: UniqueID) async throws -> EndpointBreaker? {
        let rows = try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(BreakerStatements.get, [.uuid(organizationID), .uuid(id)])
        }
        return try rows.first.map { try Self.breaker($0) }
    }

    /// The breakers of endpoints, by endpoint; those that are not stored are closed.
    public func breakers(
        of endpoints: some Collection<String>, organizationID: UniqueID
    ) async throws -> [String: CircuitBreaker] {
        let rows = try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(
                BreakerStatements.ofEndpoints, [.uuid(organizationID), .texts(Array(endpoints))])
        }
        var found = Dictionary(endpoints.map { ($0, CircuitBreaker()) }) { first, _ in first }
        for breaker in try rows.map({ try Self.breaker($0) }) { found[breaker.key.endpoint] = breaker.breaker }
        return found
    }

    /// Opens the breakers of endpoints: for a time, or until somebody closes them.
    public func open(
        _ endpoints: some Collection<String>, organizationID: UniqueID, forMicroseconds duration: Int64?,
        by actor: AuditActor
    ) async throws {
        try await change(endpoints, organizationID, "breaker.opened", by: actor) { breaker, now in
            let end = duration.map { Timestamp(microseconds: now.microseconds + $0) }
            breaker.hold(until: end, because: "opened by a person")
        }
    }

    /// Closes the breakers of endpoints, and forgets what they have counted.
    public func close(
        _ endpoints: some Collection<String>, organizationID: UniqueID, by actor: AuditActor
    ) async throws {
        try await change(endpoints, organizationID, "breaker.closed", by: actor) { breaker, _ in
            breaker.close(because: "closed by a person")
        }
    }

    /// In the order of their names, so that two that change the same don't wait for each other in a circle.
    private func change(
        _ endpoints: some Collection<String>, _ organizationID: UniqueID, _ action: String, by actor: AuditActor,
        _ move: (inout CircuitBreaker, Timestamp) -> Void
    ) async throws {
        try await pool.withTransaction(organization: organizationID) { connection in
            var changes: [EndpointBreaker] = []
            var touched: [EndpointBreaker] = []
            for endpoint in Set(endpoints).sorted() {
                let key = EndpointKey(organizationID: organizationID, endpoint: endpoint)
                let (before, now) = try await lock(key, on: connection)
                let (after, changed) = try await write(before, now, on: connection, move)
                if changed { changes.append(after) }
                if after.breaker != before.breaker { touched.append(after) }
            }
            for breaker in touched {
                var details = [("endpoint", breaker.key.endpoint)]
                if let end = breaker.breaker.openUntil { details.append(("until", end.rfc3339)) }
                try await actor.note(
                    AuditChange(action, breaker.id.description, details: details), organizationID: organizationID,
                    on: connection)
            }
            try await tell(changes, on: connection)
        }
    }
}

// MARK: - The row

extension BreakerStore {
    private func change(
        _ key: EndpointKey, on connection: PostgresConnection, _ move: (inout CircuitBreaker, Timestamp) -> Void
    ) async throws -> (breaker: EndpointBreaker, now: Timestamp) {
        let (before, now) = try await lock(key, on: connection)
        let (after, changed) = try await write(before, now, on: connection, move)
        if changed { try await tell([after], on: connection) }
        return (after, now)
    }

    private func lock(
        _ key: EndpointKey, on connection: PostgresConnection
    ) async throws -> (EndpointBreaker, Timestamp) {
        let parameters: [PostgresParameter] = [.uuid(key.organizationID), .text(key.endpoint)]
        var row = try await connection.query(BreakerStatements.lock, parameters).first
        if row == nil {
            _ = try await connection.query(BreakerStatements.make, [.uuid(.generate())] + parameters)
            row = try await connection.query(BreakerStatements.lock, parameters).first
        }
        guard let row else {
            throw EventStoreError(.unexpected, "the breaker of \(key.endpoint) was made, and is gone")
        }
        return (try Self.breaker(row), try row.decode(13))
    }

    private func write(
        _ before: EndpointBreaker, _ now: Timestamp, on connection: PostgresConnection,
        _ move: (inout CircuitBreaker, Timestamp) -> Void
    ) async throws -> (EndpointBreaker, hasNewState: Bool) {
        var breaker = before.breaker
        move(&breaker, now)
        guard breaker != before.breaker else { return (before, false) }
        let rows = try await connection.query(
            BreakerStatements.update,
            [
                .uuid(before.id), .text(breaker.state.rawValue), .optional(breaker.openUntil),
                .int4(Int32(clamping: breaker.openings)), .int4(Int32(clamping: breaker.failuresInARow)),
                .int8s(breaker.window.flatMap { [$0.number, $0.successes, $0.failures] }),
                .optional(breaker.watchedUntil), .optional(breaker.probe?.deliveryID),
                .optional(breaker.probe?.until), .optional(breaker.reason), .timestamp(now),
            ])
        guard let row = rows.first else {
            throw EventStoreError(.unexpected, "breaker \(before.id) was locked, and is gone")
        }
        let after = EndpointBreaker(
            id: before.id, key: before.key, breaker: breaker, changedAt: try row.decode(0), updatedAt: now)
        return (after, breaker.state != before.breaker.state)
    }

    /// Appends `collider.breaker.opened|half_open|closed` to the organization's log. It comes last: the head of the
    /// log's part stays locked until the commit.
    private func tell(_ changes: [EndpointBreaker], on connection: PostgresConnection) async throws {
        guard !changes.isEmpty else { return }
        try await DerivedEvents().append(
            changes.map { ($0.key.organizationID, BreakerEvent.event(of: $0)) }, on: connection)
        _ = try await connection.query(Notifier.statement)
    }

    private static func breaker(_ row: PostgresRow) throws -> EndpointBreaker {
        let outcomes = try row.decode(7, as: [Int64].self)
        let window = stride(from: 0, to: outcomes.count - 2, by: 3).map {
            CircuitBreaker.Step(number: outcomes[$0], successes: outcomes[$0 + 1], failures: outcomes[$0 + 2])
        }
        let probeID = try row.decodeIfPresent(8, as: UniqueID.self)
        let probeUntil = try row.decodeIfPresent(9, as: Timestamp.self)
        let probe = probeID.flatMap { id in probeUntil.map { CircuitBreaker.Probe(deliveryID: id, until: $0) } }
        return try EndpointBreaker(
            id: row.decode(0), key: EndpointKey(organizationID: row.decode(1), endpoint: row.decode(2)),
            breaker: CircuitBreaker(
                state: state(row, 3), openUntil: row.decodeIfPresent(4), openings: row.decode(5),
                failuresInARow: row.decode(6), window: window, probe: probe, reason: row.decodeIfPresent(10)),
            changedAt: row.decode(11), updatedAt: row.decode(12))
    }

    static func state(_ row: PostgresRow, _ column: Int) throws -> CircuitBreaker.State {
        let name = try row.decode(column, as: String.self)
        guard let state = CircuitBreaker.State(rawValue: name) else {
            throw EventStoreError(.unexpected, "“\(name)” is no state of a breaker")
        }
        return state
    }
}
