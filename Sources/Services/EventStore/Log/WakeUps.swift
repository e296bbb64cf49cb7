public import Logging
import PostgresWire
public import Runtime
public import ServiceLifecycle

/// Channels of `NOTIFY`; both carry empty hints.
public enum HintChannel: String, Sendable {
    /// Events were committed.
    case newEvent = "new_event"
    /// A trigger was made, changed or deleted.
    case triggersChanged = "triggers_changed"
}

/// Tells one follower when to look: at a hint, and at least every 250 ms.
///
/// It yields at once when iteration begins. A moment that nobody has taken yet is merged with the next.
public final class WakeUps: Service, AsyncSequence {
    /// A moment carries nothing.
    public typealias Element = Void

    private let listener: PostgresListener
    private let interval: Duration
    private let moments: AsyncStream<Void>
    private let moment: AsyncStream<Void>.Continuation

    /// Makes a sequence; hints come while `run` runs.
    public init(
        _ settings: DatabaseSettings, role: DatabaseRole, channels: [HintChannel],
        interval: Duration = .milliseconds(250), logger: Logger
    ) {
        listener = PostgresListener(
            configuration: PostgresConfiguration(settings, role: role, name: "wake-ups"),
            channels: channels.map(\.rawValue), logger: logger)
        self.interval = interval
        (moments, moment) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        moment.yield()
    }

    /// Listens and ticks until graceful shutdown, which ends the sequence.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.listener.run() }
            group.addTask {
                for await _ in self.listener.notifications { self.moment.yield() }
            }
            group.addTask {
                await cancelWhenGracefulShutdown {
                    while !Task.isCancelled {
                        try? await Task.sleep(for: self.interval)
                        self.moment.yield()
                    }
                }
            }
            defer { moment.finish() }
            try await group.waitForAll()
        }
    }

    /// Iterates the moments; for one consumer.
    public func makeAsyncIterator() -> AsyncStream<Void>.Iterator {
        moments.makeAsyncIterator()
    }
}
