public import Logging
public import ServiceLifecycle
import Synchronization

/// A Lua script, sent by its digest and in full only where the server does not know it yet.
public struct RedisScript: Sendable {
    /// The source.
    public let source: String

    /// Makes a script.
    public init(_ source: String) {
        self.source = source
    }
}

/// One command connection that is made again when it broke.
///
/// Attempts are spaced out (50 ms doubling to 2 s, with jitter) while the server is away; calls in between fail at once
/// with the error of the last attempt. Nothing is repeated by itself: whoever sent a command knows whether it may be
/// sent twice.
public final class RedisClient: Service {
    private let configuration: RedisConfiguration
    private let slot: ConnectionSlot
    /// Digest of each script by its source, as the server told.
    private let digests = Mutex<[String: String]>([:])

    /// Makes a client; nothing connects yet.
    public init(configuration: RedisConfiguration, logger: Logger) {
        self.configuration = configuration
        slot = ConnectionSlot(configuration) { change in
            switch change {
            case .lost(let error): logger.warning("redis.unreachable", metadata: ["error": "\(error)"])
            case .regained(let failures):
                logger.notice("redis.reconnected", metadata: ["redis.failures": "\(failures)"])
            }
        }
    }

    /// Waits for graceful shutdown, then closes the connection.
    public func run() async throws {
        try? await gracefulShutdown()
        await slot.close()
    }

    /// Sends one command.
    public func command(_ arguments: [String]) async throws(RedisError) -> RedisReply {
        let reply = try await pipeline([arguments])[0]
        if case .error(let message) = reply { throw RedisError(.server, message) }
        return reply
    }

    /// Sends all commands, then reads all answers; a refused command is an `.error` among them.
    public func pipeline(_ commands: [[String]]) async throws(RedisError) -> [RedisReply] {
        guard !commands.isEmpty else { return [] }
        let connection = try await slot.connected()
        do throws(RedisError) {
            return try await connection.pipeline(commands)
        } catch {
            if error.kind == .connection { await slot.drop(connection) }
            throw error
        }
    }

    /// Runs a script: `EVALSHA`, and where the server answers `NOSCRIPT` (it is new, or was emptied), `EVAL`, which
    /// makes the server keep it.
    public func script(
        _ script: RedisScript, keys: [String], arguments: [String]
    ) async throws(RedisError) -> RedisReply {
        let tail = [String(keys.count)] + keys + arguments
        let reply = try await pipeline([["EVALSHA", try await digest(of: script)] + tail])[0]
        guard case .error(let message) = reply else { return reply }
        guard message.hasPrefix("NOSCRIPT") else { throw RedisError(.server, message) }
        return try await command(["EVAL", script.source] + tail)
    }

    /// The server computes the digest when it first sees the script, and it stays the same for good.
    private func digest(of script: RedisScript) async throws(RedisError) -> String {
        if let known = digests.withLock({ $0[script.source] }) { return known }
        let reply = try await command(["SCRIPT", "LOAD", script.source])
        guard let digest = reply.text else { throw RedisError(.unexpectedReply, "SCRIPT LOAD gave no digest") }
        digests.withLock { $0[script.source] = digest }
        return digest
    }

    /// Whether the server answers.
    public func ping() async throws(RedisError) {
        _ = try await command(["PING"])
    }

    /// Lends a connection of its own, for commands that block, and closes it afterwards.
    ///
    /// - Parameter blockingFor: the longest that one of the commands will wait; their timeout comes on top.
    public func withBlockingConnection<R>(
        blockingFor: Duration, _ body: (RedisConnection) async throws -> R
    ) async throws -> R {
        try await body(try await RedisConnection.connect(configuration, blockingFor: blockingFor))
    }
}
