import PostgresWire

/// Wakes followers after commits: `NOTIFY new_event` from a session other than the one that commits.
///
/// Inside the committing transaction a NOTIFY holds a lock of the whole database through the flush of the log, which
/// cost four fifths of the commits in a measurement. Outside, it is a hint: signals that come while one is being sent
/// are merged, and one that is lost delays work by no more than the followers' polling interval.
struct Notifier: Sendable {
    let session: any PostgresSession
    private let signals: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init(session: any PostgresSession) {
        self.session = session
        (signals, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func signal() {
        continuation.yield()
    }

    func finish() {
        continuation.finish()
    }

    func run() async {
        for await _ in signals {
            _ = try? await session.query(Self.statement)
            // Under load a wake-up per commit would cost as much as a tenth of the commits themselves.
            try? await Task.sleep(for: Self.interval)
        }
    }

    /// Shortest time from one wake-up to the next; the first after a silence is sent at once.
    private static let interval = Duration.milliseconds(2)

    static let statement = PostgresStatement("notify_new_event", "SELECT pg_notify('new_event', '')")
}
