import ActionModel
public import EventModel
import JSONTree
public import PostgresWire
import Runtime

/// The replays of organizations. The row is the job, see the migration that makes the table.
public struct ReplayStore: Sendable {
    /// Most that an organization has open at a time.
    public static let maximumOpen = 10
    /// How many are kept of an organization; the oldest that have ended go first.
    public static let maximumKept = 100
    /// How many processors may end on one without a step done before it is given up.
    public static let maximumAttempts = 5

    let pool: PostgresPool

    /// Makes a store on a pool; the pool's role decides what it sees.
    public init(pool: PostgresPool) {
        self.pool = pool
    }

    /// Stores an order, which the next processor that is free takes.
    ///
    /// - Throws: ``EventStoreError`` of code `conflict` when the organization has as many open as it may.
    public func create(
        _ order: NewReplay, by actor: AuditActor, organizationID: UniqueID
    ) async throws -> Replay {
        let id = UniqueID.generate()
        let parameters = Self.parameters(of: order, id: id, organizationID: organizationID)
        let made = try await pool.withTransaction(organization: organizationID) { connection in
            _ = try await connection.query(ReplayStatements.lockOrganization, [.uuid(organizationID)])
            let open = try await connection.query(ReplayStatements.countOpen, [.uuid(organizationID)])
            guard try open[0].decode(0, as: Int64.self) < Int64(Self.maximumOpen) else {
                throw EventStoreError(
                    .conflict, "\(Self.maximumOpen) replays are open already; wait for one to end or cancel it")
            }
            _ = try await connection.query(ReplayStatements.create, parameters)
            _ = try await connection.query(
                ReplayStatements.forget, [.uuid(organizationID), .int8(Int64(Self.maximumKept))])
            let request = String(decoding: order.request, as: UTF8.self)
            try await actor.note(
                AuditChange("replay.created", id.description, details: [("request", request)]),
                organizationID: organizationID, on: connection)
            return try await connection.query(ReplayStatements.get, [.uuid(organizationID), .uuid(id)]).first
        }
        guard let made else { throw EventStoreError(.unexpected, "replay \(id) was stored, and is gone") }
        return try Self.replay(made)
    }

    /// The organization's replays, the newest first.
    ///
    /// - Parameter after: the last id of the page before.
    public func list(organizationID: UniqueID, limit: Int, after: UniqueID? = nil) async throws -> [Replay] {
        try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(
                ReplayStatements.list, [.uuid(organizationID), .optional(after), .int8(Int64(limit))]
            ).map { try Self.replay($0) }
        }
    }

    /// One replay, or nil when the organization has none of this id.
    public func replay(_ id: UniqueID, organizationID: UniqueID) async throws -> Replay? {
        try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(ReplayStatements.get, [.uuid(organizationID), .uuid(id)]).first.map {
                try Self.replay($0)
            }
        }
    }

    /// Gives a replay up, unless it has ended; nil when the organization has none of this id. What it has made stays.
    public func cancel(_ id: UniqueID, by actor: AuditActor, organizationID: UniqueID) async throws -> Replay? {
        try await pool.withTransaction(organization: organizationID) { connection in
            let key: [PostgresParameter] = [.uuid(organizationID), .uuid(id)]
            if try await connection.query(ReplayStatements.cancel, key).affectedRows > 0 {
                try await actor.note(
                    AuditChange("replay.cancelled", id.description), organizationID: organizationID, on: connection)
            }
            return try await connection.query(ReplayStatements.get, key).first.map { try Self.replay($0) }
        }
    }

    private static func parameters(
        of order: NewReplay, id: UniqueID, organizationID: UniqueID
    ) -> [PostgresParameter] {
        var filter = DeliveryFilter()
        var events = NewReplay.EventRange()
        let source: String
        // What follows from an event is made after it was received; clocks may be an hour apart.
        var earliest = Timestamp(microseconds: 0)
        switch order.source {
        case .deliveries(let chosen):
            source = "deliveries"
            filter = chosen
            earliest = chosen.from ?? chosen.eventID.map { $0.creationTime.anHourBefore } ?? earliest
        case .firings(let range, let triggerID):
            source = "firings"
            events = range
            filter.triggerID = triggerID
            filter.eventID = range.id
            earliest = (range.from ?? range.id?.creationTime)?.anHourBefore ?? earliest
        }
        return [
            .uuid(id), .uuid(organizationID), .text(source), .text(String(decoding: order.request, as: UTF8.self)),
            .timestamp(earliest), .optional(filter.to), .optional(filter.status?.rawValue),
            .optional(filter.triggerID), .optional(filter.eventID), .optional(filter.kind?.rawValue),
            .optional(events.type), .optional(events.from), .optional(events.to), .text(order.version.rawValue),
            .bool(order.again), .int4(Int32(clamping: order.rate)),
        ]
    }

    private static func replay(_ row: PostgresRow) throws -> Replay {
        let name = try row.decode(3, as: String.self)
        guard let status = JobStatus(rawValue: name) else {
            throw EventStoreError(.unexpected, "“\(name)” is no status of a replay")
        }
        return try Replay(
            id: row.decode(0), request: row.decode(1, as: PostgresJSON.self).bytes, rate: row.decode(2), status: status,
            total: row.decodeIfPresent(4), found: row.decode(5), made: row.decode(6), skipped: row.decode(7),
            error: row.decodeIfPresent(8), createdAt: row.decode(9), startedAt: row.decodeIfPresent(10),
            finishedAt: row.decodeIfPresent(11))
    }
}

extension Timestamp {
    fileprivate var anHourBefore: Timestamp { Timestamp(microseconds: max(0, microseconds - 3_600_000_000)) }
}
