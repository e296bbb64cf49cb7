import ActionModel
import EventModel
import JSONTree
import PostgresWire
import Runtime
import TriggerEngine

/// The backtests of organizations. The row is the job, see the migration that makes the table.
public struct BacktestStore: Sendable {
    /// Most that an organization has open at a time.
    public static let maximumOpen = 10
    /// How many are kept of an organization; the oldest that have ended go first.
    public static let maximumKept = 100
    /// How many processors may die on one before it is given up.
    public static let maximumAttempts = 3

    private let pool: PostgresPool

    /// Makes a store on a pool; the pool's role decides what it sees.
    public init(pool: PostgresPool) {
        self.pool = pool
    }

    // MARK: - The gateway's

    /// Stores an order, which the next processor that is free takes.
    ///
    /// - Throws: ``EventStoreError`` of code `conflict` when the organization has as many open as it may.
    public func create(
        _ order: NewBacktest, by actor: AuditActor, organizationID: UniqueID
    ) async throws -> Backtest {
        let id = UniqueID.generate()
        let made = try await pool.withTransaction(organization: organizationID) { connection in
            _ = try await connection.query(BacktestStatements.lockOrganization, [.uuid(organizationID)])
            let open = try await connection.query(BacktestStatements.countOpen, [.uuid(organizationID)])
            guard try open[0].decode(0, as: Int64.self) < Int64(Self.maximumOpen) else {
                throw EventStoreError(
                    .conflict, "\(Self.maximumOpen) backtests are open already; wait for one to end or cancel it")
            }
            let definition = order.definition
            _ = try await connection.query(
                BacktestStatements.create,
                [
                    .uuid(id), .uuid(organizationID), .optional(order.stored?.id),
                    order.stored.map { .int4($0.version) } ?? .null, .text(definition.name),
                    .text(try Self.withoutActions(definition)),
                    .texts(definition.actions.map(\.kind.rawValue)), .timestamp(order.from), .timestamp(order.to),
                ])
            _ = try await connection.query(
                BacktestStatements.forget, [.uuid(organizationID), .int8(Int64(Self.maximumKept))])
            try await actor.note(
                AuditChange(
                    "backtest.created", id.description,
                    details: [("name", definition.name), ("from", order.from.rfc3339), ("to", order.to.rfc3339)]),
                organizationID: organizationID, on: connection)
            return try await connection.query(BacktestStatements.get, [.uuid(organizationID), .uuid(id)]).first
        }
        guard let made else { throw EventStoreError(.unexpected, "backtest \(id) was stored, and is gone") }
        return try Self.backtest(made)
    }

    /// The organization's backtests, the newest first, without results.
    ///
    /// - Parameter after: the last id of the page before.
    public func list(
        organizationID: UniqueID, triggerID: UniqueID? = nil, limit: Int, after: UniqueID? = nil
    ) async throws -> [Backtest] {
        try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(
                BacktestStatements.list,
                [.uuid(organizationID), .optional(triggerID), .optional(after), .int8(Int64(limit))]
            ).map { try Self.backtest($0) }
        }
    }

    /// One backtest with its result, or nil when the organization has none of this id.
    public func backtest(_ id: UniqueID, organizationID: UniqueID) async throws -> Backtest? {
        try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(BacktestStatements.get, [.uuid(organizationID), .uuid(id)]).first.map {
                try Self.backtest($0)
            }
        }
    }

    /// Gives a backtest up, unless it has ended; nil when the organization has none of this id.
    public func cancel(_ id: UniqueID, by actor: AuditActor, organizationID: UniqueID) async throws -> Backtest? {
        try await pool.withTransaction(organization: organizationID) { connection in
            let key: [PostgresParameter] = [.uuid(organizationID), .uuid(id)]
            if try await connection.query(BacktestStatements.cancel, key).affectedRows > 0 {
                try await actor.note(
                    AuditChange("backtest.cancelled", id.description), organizationID: organizationID, on: connection)
            }
            return try await connection.query(BacktestStatements.get, key).first.map { try Self.backtest($0) }
        }
    }

    // MARK: - The processor's

    /// Takes the oldest that nobody works on; nil when there is none. One that was taken too often is ended here.
    ///
    /// - Parameter lease: how long it is this process's alone, unless ``advance(_:events:positions:total:lease:)`` says
    ///   so again.
    public func claim(lease: Duration) async throws -> BacktestWork? {
        while let row = try await pool.query(BacktestStatements.claim, [.int8(lease.wholeMicroseconds)]).first {
            let id = try row.decode(0, as: UniqueID.self)
            let token = try row.decode(9, as: UniqueID.self)
            let attempt = try row.decode(8, as: Int16.self)
            guard attempt <= Int16(Self.maximumAttempts) else {
                try await end(
                    id, token, .failed, events: 0,
                    error: "\(Self.maximumAttempts) processors have ended while they worked on it")
                continue
            }
            do {
                return try Self.work(row, id: id, token: token, attempt: attempt)
            } catch {
                try await end(id, token, .failed, events: 0, error: "the trigger can't be read by this release")
            }
        }
        return nil
    }

    /// Says how far a backtest is, and keeps it; false when it is no longer this process's: it was cancelled, or the
    /// lease had ended and another has it.
    public func advance(
        _ work: BacktestWork, events: Int64, positions: Int64, total: Int64, lease: Duration
    ) async throws -> Bool {
        try await pool.query(
            BacktestStatements.advance,
            [
                .uuid(work.id), .uuid(work.token), .int8(lease.wholeMicroseconds), .int8(events), .int8(positions),
                .int8(total),
            ]
        ).affectedRows > 0
    }

    /// Ends a backtest with its result, a JSON object; false when it is no longer this process's.
    @discardableResult
    public func finish(_ work: BacktestWork, events: Int64, result: [UInt8]) async throws -> Bool {
        try await end(work.id, work.token, .succeeded, events: events, result: result)
    }

    /// Ends a backtest that can have no result.
    public func fail(_ work: BacktestWork, events: Int64, because error: String) async throws {
        try await end(work.id, work.token, .failed, events: events, error: error)
    }

    /// Gives a backtest back, for another processor to begin anew.
    public func release(_ work: BacktestWork) async throws {
        _ = try await pool.query(BacktestStatements.release, [.uuid(work.id), .uuid(work.token)])
    }

    @discardableResult
    private func end(
        _ id: UniqueID, _ token: UniqueID, _ status: JobStatus, events: Int64, result: [UInt8]? = nil,
        error: String? = nil
    ) async throws -> Bool {
        try await pool.query(
            BacktestStatements.finish,
            [
                .uuid(id), .uuid(token), .text(status.rawValue), .int8(events), .optional(json: result),
                .optional(error),
            ]
        ).affectedRows > 0
    }
}

// MARK: - Rows

extension BacktestStore {
    /// The definition as it is stored, but for the actions: their secrets are not needed.
    private static func withoutActions(_ definition: TriggerDefinition) throws -> String {
        var writer = JSONWriter()
        try writer.object { object in
            for (name, value) in try JSONDocument(TriggerCoding.json(definition, .masked)).root.members
            where name != "actions" {
                object.memberRaw(name, value.source)
            }
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private static func backtest(_ row: PostgresRow) throws -> Backtest {
        let name = try row.decode(6, as: String.self)
        guard let status = JobStatus(rawValue: name) else {
            throw EventStoreError(.unexpected, "“\(name)” is no status of a backtest")
        }
        let total = try row.decodeIfPresent(9, as: Int64.self)
        let read = try row.decode(8, as: Int64.self)
        let share = total.map { $0 > 0 ? min(1, Double(read) / Double($0)) : 1 } ?? 0
        return try Backtest(
            id: row.decode(0), triggerID: row.decodeIfPresent(1), triggerVersion: row.decodeIfPresent(2),
            name: row.decode(3), from: row.decode(4), to: row.decode(5), status: status, eventsRead: row.decode(7),
            progress: status == .succeeded ? 1 : (share * 1_000).rounded(.down) / 1_000,
            result: row.decodeIfPresent(14, as: PostgresJSON.self)?.bytes, error: row.decodeIfPresent(10),
            createdAt: row.decode(11), startedAt: row.decodeIfPresent(12), finishedAt: row.decodeIfPresent(13))
    }

    private static func work(
        _ row: PostgresRow, id: UniqueID, token: UniqueID, attempt: Int16
    ) throws -> BacktestWork {
        let organization = try row.decode(1, as: UniqueID.self)
        let createdAt = try row.decode(10, as: Timestamp.self)
        let stored = try row.decode(4, as: PostgresJSON.self)
        let trigger = try Trigger(
            id: row.decodeIfPresent(2) ?? id, organizationID: organization, version: row.decodeIfPresent(3) ?? 1,
            definition: TriggerDefinition(JSONDocument(stored.bytes).root), createdAt: createdAt, updatedAt: createdAt)
        return try BacktestWork(
            id: id, organizationID: organization, trigger: trigger, actionKinds: row.decode(5), from: row.decode(6),
            to: row.decode(7), attempt: Int(attempt), token: token)
    }
}
