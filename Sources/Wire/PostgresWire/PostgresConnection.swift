public import EventModel
public import Logging
import Dispatch
import SerialLane

/// One connection to PostgreSQL: an actor on a lane of its own, where libpq's calls may block.
///
/// Calls run one after the other. A statement that is under way is not interrupted by cancellation of the task, so that
/// the connection is never left in the middle of an answer; `statement_timeout` bounds it instead.
public actor PostgresConnection: PostgresSession {
    private let lane: SerialLane
    private let handle: PostgresHandle
    private var prepared: Set<String> = []

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
        self.handle = handle
    }

    public func query(
        _ statement: PostgresStatement, _ parameters: [PostgresParameter]
    ) async throws(PostgresError) -> PostgresRows {
        try prepare(statement, parameters)
        return PostgresRows(result: try handle.execute(statement.name, EncodedParameters(parameters)))
    }

    /// Runs several statements in one round trip and one implicit transaction (libpq's pipeline mode).
    ///
    /// For short answers: with more of them than the sockets' buffers hold, both sides would wait for each other.
    public func pipeline(
        _ calls: [(PostgresStatement, [PostgresParameter])]
    ) async throws(PostgresError) -> [PostgresRows] {
        guard !calls.isEmpty else { return [] }
        var encoded: [(String, EncodedParameters)] = []
        for (statement, parameters) in calls {
            try prepare(statement, parameters)
            encoded.append((statement.name, EncodedParameters(parameters)))
        }
        return try handle.pipeline(encoded).map { PostgresRows(result: $0) }
    }

    /// Runs a script of any number of statements as one implicit transaction; its rows are dropped.
    public func execute(script: String) async throws(PostgresError) {
        try handle.execute(script)
    }

    /// Opens a transaction; with an organization, row-level security shows that organization's rows alone.
    public func begin(organization: UniqueID? = nil) async throws(PostgresError) {
        guard let organization else { return try handle.execute("BEGIN") }
        // One round trip. The value is an id of hexadecimal digits and hyphens, so that there is nothing to escape.
        try handle.execute("BEGIN; SELECT set_config('collider.organization_id', '\(organization)', true)")
    }

    /// Makes a transaction durable.
    public func commit() async throws(PostgresError) {
        try handle.execute("COMMIT")
    }

    /// Undoes a transaction; a connection on which that fails is not used again.
    public func rollback() async {
        try? handle.execute("ROLLBACK")
    }

    /// Whether the connection is whole and outside any transaction, so that somebody else may use it.
    var isReusable: Bool { handle.isIdle }

    var socket: Int32 { handle.socket }

    /// Where the socket's events are handled: between the calls of this actor.
    nonisolated var eventQueue: DispatchQueue { lane.queue }

    func takeNotifications() throws(PostgresError) -> [String] {
        try handle.takeNotifications()
    }

    private func prepare(
        _ statement: PostgresStatement, _ parameters: [PostgresParameter]
    ) throws(PostgresError) {
        guard !prepared.contains(statement.name) else { return }
        try handle.prepare(statement.name, statement.sql, parameters.map(\.typeID))
        prepared.insert(statement.name)
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
