import ActionModel
import EventModel
import PostgresWire

/// Which deliveries a list shows; what is nil does not narrow it.
public struct DeliveryFilter: Sendable {
    /// Where they stand.
    public var status: DeliveryStatus?
    /// Whose they are.
    public var triggerID: UniqueID?
    /// The event that they are about.
    public var eventID: UniqueID?
    /// The type of their action.
    public var kind: ActionKind?
    /// Made at this time or later.
    public var from: Timestamp?
    /// Made before this time.
    public var to: Timestamp?
    /// The replay that made them.
    public var replayID: UniqueID?
    /// Whether they were made again.
    public var isReplayed: Bool?

    /// Makes a filter; without arguments it shows everything.
    public init(
        status: DeliveryStatus? = nil, triggerID: UniqueID? = nil, eventID: UniqueID? = nil, kind: ActionKind? = nil,
        from: Timestamp? = nil, to: Timestamp? = nil, replayID: UniqueID? = nil, isReplayed: Bool? = nil
    ) {
        self.status = status
        self.triggerID = triggerID
        self.eventID = eventID
        self.kind = kind
        self.from = from
        self.to = to
        self.replayID = replayID
        self.isReplayed = isReplayed
    }
}

/// The deliveries of organizations: what the API shows of them, and, in the files beside this one, the moves of the
/// queue.
public struct DeliveryStore: Sendable {
    let pool: PostgresPool
    let actions: VersionedActions

    /// Makes a store on a pool; the pool's role decides what it sees.
    ///
    /// - Parameter keyring: opens the secrets of what is claimed; whoever claims nothing needs none.
    public init(pool: PostgresPool, keyring: Keyring? = nil) {
        self.pool = pool
        actions = VersionedActions(pool: pool, keyring: keyring)
    }

    /// The circuit breakers of where deliveries go, by the same role.
    public var breakers: BreakerStore { BreakerStore(pool: pool) }

    /// The organization's deliveries, the newest first.
    ///
    /// - Parameter after: the last id of the page before.
    public func list(
        organizationID: UniqueID, filter: DeliveryFilter = DeliveryFilter(), limit: Int, after: UniqueID? = nil
    ) async throws -> [Delivery] {
        let rows = try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(
                filter.status == .dead ? DeliveryStatements.listDead : DeliveryStatements.list,
                [
                    .uuid(organizationID), .optional(filter.status?.rawValue), .optional(filter.triggerID),
                    .optional(filter.eventID), .optional(filter.kind?.rawValue), .optional(filter.from),
                    .optional(filter.to), .optional(after?.creationTime), .optional(after), .int8(Int64(limit)),
                    .optional(filter.replayID), filter.isReplayed.map { .bool($0) } ?? .null,
                ])
        }
        return try rows.map { try DeliveryCoding.delivery($0) }
    }

    /// One delivery, or nil when the organization has none of this id.
    public func delivery(_ id: UniqueID, organizationID: UniqueID) async throws -> Delivery? {
        try await look(id, organizationID, DeliveryStatements.get).first.map { try DeliveryCoding.delivery($0) }
    }

    /// Every attempt of a delivery that has ended, in their order.
    public func attempts(of id: UniqueID, organizationID: UniqueID) async throws -> [DeliveryAttempt] {
        try await look(id, organizationID, DeliveryStatements.attempts).map { try DeliveryCoding.attempt($0) }
    }

    private func look(
        _ id: UniqueID, _ organizationID: UniqueID, _ statement: PostgresStatement
    ) async throws -> PostgresRows {
        try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(
                statement, [.uuid(organizationID), .timestamp(id.creationTime), .uuid(id)])
        }
    }

    /// How many deliveries of all organizations wait or run, by kind and status; for the pipeline's role.
    public func liveCounts() async throws -> [DeliveryCount] {
        try await pool.query(DeliveryStatements.countLive).map {
            try DeliveryCount(
                kind: DeliveryCoding.kind($0, 0), status: DeliveryCoding.status($0, 1), count: $0.decode(2))
        }
    }
}

/// How many deliveries of a kind have a status.
public struct DeliveryCount: Sendable, Equatable {
    /// The kind of action.
    public let kind: ActionKind
    /// Where they stand.
    public let status: DeliveryStatus
    /// How many there are.
    public let count: Int64
}
