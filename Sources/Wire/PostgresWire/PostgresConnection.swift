public import EventModel
public import Logging
import SerialLane
import Synchronization

/// One connection to PostgreSQL: an actor on a lane of its own, where libpq's calls may block.
///
/// Calls run one after the other. A statement that is under way is not interrupted by cancellation of the task, so that
/// the connection is never left in the middle of an answer; `statement_timeout` bounds it instead.
public actor PostgresConnection: PostgresSession {
    let lane: SerialLane
    let handle: PostgresHandle
    private var prepared = PreparedStatements()
    private nonisolated let isWhole = Atomic(true)
    /// The same number for as long as the connection is whole.
    nonisolated let socket: PostgresSocket

    /// The connection's lane.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

    /// Connects.
    public static func connect(
        _ configuration: PostgresConfiguration, logger: Logger
    ) async throws(PostgresError) -> PostgresConnection {
        try await Connector(lane: SerialLane("postgres")).connect(configuration, logger: logger)
    }

    fileprivate init(lane: SerialLane, handle: sending PostgresHandle) {
        self.lane = lane
        socket = PostgresSocket(handle.socket)
        self.handle = handle
    }

    /// Runs one statement, which is prepared when the connection meets it for the first time.
    @discardableResult
    public func query(
        _ statement: PostgresStatement, _ parameters: [PostgresParameter]
    ) async throws(PostgresError) -> PostgresRows {
        defer { noteState() }
        try prepare(statement, parameters)
        return PostgresRows(result: try handle.execute(statement.name, EncodedParameters(parameters)))
    }

    /// Runs several statements in one round trip and one implicit transaction (libpq's pipeline mode).
    ///
    /// The first error undoes all of them, and is thrown. Inside a transaction it fails the transaction.
    @discardableResult
    public func pipeline(
        _ calls: [(PostgresStatement, [PostgresParameter])]
    ) async throws(PostgresError) -> [PostgresRows] {
        guard !calls.isEmpty else { return [] }
        defer { noteState() }
        for (statement, parameters) in calls { try prepare(statement, parameters) }
        let results = try handle.pipeline(calls.map { ($0.name, EncodedParameters($1)) })
        return results.map { PostgresRows(result: $0) }
    }

    /// Runs a script of any number of statements as one implicit transaction; its rows are dropped.
    public func execute(script: String) async throws(PostgresError) {
        defer { noteState() }
        try handle.execute(script)
    }

    /// Opens a transaction; with an organization, row-level security shows that organization's rows alone.
    ///
    /// - Parameter opening: a statement without parameters that is run first.
    public func begin(
        organization: UniqueID? = nil, opening: PostgresStatement? = nil
    ) async throws(PostgresError) {
        defer { noteState() }
        var script = "BEGIN"
        // One round trip. The value is an id of hexadecimal digits and hyphens, so that there is nothing to escape.
        if let organization { script += "; SELECT set_config('collider.organization_id', '\(organization)', true)" }
        if let opening { script += "; \(opening.sql)" }
        try handle.execute(script)
    }

    /// Makes a transaction durable.
    ///
    /// - Throws: an error of SQLSTATE 25P02 when a statement had failed and PostgreSQL undid the transaction instead.
    public func commit() async throws(PostgresError) {
        defer { noteState() }
        try handle.commit()
    }

    /// Undoes the transaction that is open, if any; a connection on which that fails is not used again.
    public func rollback() async {
        handle.rollback()
        noteState()
    }

    /// Whether the connection was whole and outside any transaction after its last call, so that somebody else may have
    /// it.
    nonisolated var isReusable: Bool { isWhole.load(ordering: .acquiring) }

    /// Reads what has arrived on an idle connection: news of its end makes it no longer reusable.
    func readNews() {
        while !socket.isQuiet, handle.isUsable { _ = try? handle.takeNotifications() }
        noteState()
    }

    private func noteState() {
        isWhole.store(handle.isIdle, ordering: .releasing)
    }

    private func prepare(
        _ statement: PostgresStatement, _ parameters: [PostgresParameter]
    ) throws(PostgresError) {
        guard case .prepare(let types, let isReplacing) = prepared.plan(statement, parameters.map(\.typeID)) else {
            return
        }
        if isReplacing {
            try handle.execute("DEALLOCATE \"\(statement.name)\"")
            prepared.forget(statement)
        }
        try handle.prepare(statement.name, statement.sql, types)
        prepared.note(statement, types)
    }
}

/// Connects on the lane that the connection will use, so that nobody else waits for the handshake.
private actor Connector {
    private let lane: SerialLane
    nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

    init(lane: SerialLane) {
        self.lane = lane
    }

    func connect(
        _ configuration: PostgresConfiguration, logger: Logger
    ) throws(PostgresError) -> PostgresConnection {
        PostgresConnection(lane: lane, handle: try PostgresHandle(configuration, logger: logger))
    }
}
