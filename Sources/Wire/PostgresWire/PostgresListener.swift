// The handlers of a source are only ever called on its queue, but libdispatch does not say so to the compiler.
@preconcurrency import Dispatch
import Glibc
public import Logging
import SerialLane
public import ServiceLifecycle

/// Listens on channels for as long as it runs, on a connection of its own.
///
/// A notification is a hint and not a message: those that come while the consumer is busy are merged, and after each
/// (re)connection every channel is reported once, because what was said in between was not heard. The socket is watched
/// by a read source, so that waiting costs no thread.
public final class PostgresListener: Service {
    private let configuration: PostgresConfiguration
    private let channels: [String]
    private let logger: Logger
    private let inbox = NotificationInbox()

    /// Makes a listener; nothing connects before `run`.
    ///
    /// - Parameter channels: names of lower-case letters, digits and underscores.
    public init(configuration: PostgresConfiguration, channels: [String], logger: Logger) {
        precondition(channels.allSatisfy { $0.utf8.allSatisfy(Self.isPlain) }, "names of channels are not quoted")
        self.configuration = configuration
        self.channels = channels
        self.logger = logger
    }

    /// What was heard, for one consumer.
    public var notifications: PostgresNotifications { PostgresNotifications(inbox: inbox) }

    /// Connects, listens, and reconnects with a growing delay (50 ms to 2 s) until graceful shutdown.
    public func run() async throws {
        defer { inbox.finish() }
        await cancelWhenGracefulShutdown {
            var delay = ReconnectDelay()
            while !Task.isCancelled {
                do throws(PostgresError) {
                    try await self.listen { self.noteConnected(&delay) }
                } catch {
                    let pause = delay.next(jitter: .random(in: 0...1))
                    self.noteLost(error, failures: delay.failures)
                    try? await Task.sleep(for: pause)
                }
            }
        }
    }

    private func listen(onConnected: () -> Void) async throws(PostgresError) {
        let connection = try await PostgresConnection.connect(configuration, logger: logger)
        try await connection.execute(script: channels.map { "LISTEN \($0)" }.joined(separator: ";"))
        onConnected()
        inbox.post(channels)
        try await connection.watch { [inbox, channels] heard in
            inbox.post(channels.filter(heard.contains))
        }
    }

    private func noteConnected(_ delay: inout ReconnectDelay) {
        if delay.failures > 0 {
            logger.notice("postgres.listener.reconnected", metadata: ["postgres.failures": "\(delay.failures)"])
        }
        delay.reset()
    }

    private func noteLost(_ error: PostgresError, failures: Int) {
        // Once a spell of absence: the next line is the reconnection.
        guard failures == 1, !Task.isCancelled else { return }
        logger.warning("postgres.listener.lost", metadata: ["error": "\(error)"])
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
        default: false
        }
    }
}

extension PostgresConnection {
    /// Reports the channels of notifications when they arrive, on the connection's lane.
    ///
    /// Returns when the task is cancelled, and throws when the connection is lost.
    func watch(_ heard: @escaping @Sendable ([String]) -> Void) async throws(PostgresError) {
        // A number of our own: libpq closes its own when the connection breaks, and the next file to be opened would
        // get it while the source still watches.
        guard let descriptor = socket.duplicate() else {
            throw PostgresError(.connection, "no file descriptor is left for the listener")
        }
        let (losses, loss) = AsyncStream<PostgresError>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: lane.queue)
        source.setEventHandler {
            self.assumeIsolated { connection in
                do throws(PostgresError) {
                    heard(try connection.handle.takeNotifications())
                } catch {
                    source.cancel()
                    loss.yield(error)
                }
            }
        }
        // Ends the cycle of source and handler as well.
        source.setCancelHandler { close(descriptor) }
        source.activate()
        defer { source.cancel() }
        for await error in losses { throw error }
    }
}
