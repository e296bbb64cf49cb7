import SerialLane

/// How to reach one Redis.
public struct RedisConfiguration: Sendable {
    /// Host name or address.
    public var host: String
    /// TCP port.
    public var port: Int
    /// Password of the default user; nil where none is asked for.
    public var password: String?
    /// Which of the server's numbered databases.
    public var database: Int
    /// How long to wait for a connection, and for the answer to a command.
    public var timeout: Duration

    /// Makes a configuration.
    public init(
        host: String, port: Int, password: String? = nil, database: Int = 0, timeout: Duration = .seconds(3)
    ) {
        self.host = host
        self.port = port
        self.password = password
        self.database = database
        self.timeout = timeout
    }
}

/// One connection to Redis: an actor on a lane of its own, where hiredis' calls may block.
///
/// A connection on which a call failed for lack of an answer is not used again: what is still to come would be taken
/// for the answer to the next command.
public actor RedisConnection {
    private let lane: SerialLane
    private let handle: RedisHandle

    /// The connection's lane.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

    /// Connects, authenticates and selects the database.
    ///
    /// - Parameter blockingFor: the longest that a blocking command (`BLMPOP`, `BRPOP`) will wait; added to the
    ///   timeout of an answer.
    public static func connect(
        _ configuration: RedisConfiguration, blockingFor: Duration = .zero
    ) async throws(RedisError) -> RedisConnection {
        let connector = Connector(lane: SerialLane("redis"))
        return try await connector.connect(configuration, blockingFor: blockingFor)
    }

    fileprivate init(lane: SerialLane, handle: sending RedisHandle) {
        self.lane = lane
        self.handle = handle
    }

    /// Whether another command may be sent.
    public var isUsable: Bool { !handle.isBroken }

    /// Sends one command and waits for its answer.
    public func command(_ arguments: [String]) async throws(RedisError) -> RedisReply {
        let reply = try await pipeline([arguments])[0]
        if case .error(let message) = reply { throw RedisError(.server, message) }
        return reply
    }

    /// Sends all commands, then reads all answers; a refused command is an `.error` among them.
    ///
    /// The server sets aside the answers that we don't read yet, so neither side waits for the other. Cancelling the
    /// task does not interrupt the call; its timeout bounds it.
    public func pipeline(_ commands: [[String]]) async throws(RedisError) -> [RedisReply] {
        try handle.send(commands)
        var replies: [RedisReply] = []
        replies.reserveCapacity(commands.count)
        for _ in commands { replies.append(try handle.nextReply()) }
        return replies
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
        _ configuration: RedisConfiguration, blockingFor: Duration
    ) throws(RedisError) -> RedisConnection {
        RedisConnection(lane: lane, handle: try RedisHandle(configuration, blockingFor: blockingFor))
    }
}
