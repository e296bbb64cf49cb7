// DispatchSource is safe to cancel from any thread, but not marked so.
@preconcurrency import Dispatch
public import Logging
import SerialLane
public import ServiceLifecycle

/// A hint from the server that something happened on a channel.
public struct PostgresNotification: Sendable, Equatable {
    /// Name of the channel.
    public let channel: String
}

/// Listens on channels for as long as it runs, on a connection of its own.
///
/// A notification is a hint and not a message: those that come while the consumer is busy are merged, and after each
/// (re)connection every channel is reported once, because what was said in between was not heard. The socket is watched
/// by a read source, so that waiting costs no thread.
public final class PostgresListener: Service {
    /// What was heard, for one consumer. At most eight wait per channel; further ones replace the oldest.
    public let notifications: AsyncStream<PostgresNotification>

    private let configuration: PostgresConfiguration
    private let channels: [String]
    private let logger: Logger
    private let output: AsyncStream<PostgresNotification>.Continuation

    /// Makes a listener; nothing connects before `run`.
    ///
    /// - Parameter channels: names of lower-case letters, digits and underscores.
    public init(configuration: PostgresConfiguration, channels: [String], logger: Logger) {
        precondition(channels.allSatisfy { $0.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "_" } })
        var listening = configuration
        // An idle session is this one's purpose; the statement timeout stays.
        listening.idleInTransactionTimeoutMilliseconds = 0
        self.configuration = listening
        self.channels = channels
        self.logger = logger
        (notifications, output) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(8 * channels.count))
    }

    /// Connects, listens, and reconnects with a growing delay (100 ms to 2 s) until graceful shutdown.
    public func run() async throws {
        defer { output.finish() }
        await cancelWhenGracefulShutdown {
            var delay = Duration.milliseconds(100)
            while !Task.isCancelled {
                do {
                    try await self.listen { delay = .milliseconds(100) }
                } catch {
                    if Task.isCancelled { return }
                    self.logger.debug("postgres.listener.lost", metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: delay)
                delay = min(delay * 2, .seconds(2))
            }
        }
    }

    private func listen(onConnected: () -> Void) async throws {
        let connection = try await PostgresConnection.connect(configuration, logger: logger)
        try await connection.execute(script: channels.map { "LISTEN \($0)" }.joined(separator: ";"))
        onConnected()
        report(channels)
        for await _ in await connection.readability() {
            report(try await connection.takeNotifications())
        }
    }

    private func report(_ heard: [String]) {
        for channel in channels where heard.contains(channel) {
            output.yield(PostgresNotification(channel: channel))
        }
    }
}

extension PostgresConnection {
    /// Yields whenever bytes wait on the socket; moments that nobody has taken yet are merged into one.
    func readability() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let source = DispatchSource.makeReadSource(fileDescriptor: socket, queue: eventQueue)
        source.setEventHandler { continuation.yield() }
        // The source holds the connection, and with it the socket, until it is cancelled.
        source.setCancelHandler { _ = self }
        continuation.onTermination = { _ in source.cancel() }
        source.activate()
        return stream
    }
}
