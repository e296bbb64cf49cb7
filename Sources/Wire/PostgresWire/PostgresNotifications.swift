import Synchronization

/// A hint from the server that something happened on a channel.
public struct PostgresNotification: Sendable, Equatable {
    /// Name of the channel.
    public let channel: String
}

/// What a listener has heard, for one consumer; ends when the listener does.
///
/// Of each channel at most one notification waits: those that come while it does are merged with it.
public struct PostgresNotifications: AsyncSequence, Sendable {
    let inbox: NotificationInbox

    /// Takes one notification after the other.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let inbox: NotificationInbox
        var arrivals: AsyncStream<Void>.Iterator

        /// Waits for the next notification; nil after the listener's or the task's end.
        public mutating func next() async -> PostgresNotification? {
            while true {
                if let channel = inbox.take() { return PostgresNotification(channel: channel) }
                guard await arrivals.next(isolation: #isolation) != nil else { return nil }
            }
        }
    }

    /// Iterates; for one consumer.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(inbox: inbox, arrivals: inbox.arrivals.makeAsyncIterator())
    }
}

/// The channels that were heard of and not yet reported, each once, in the order in which they were first heard.
final class NotificationInbox: Sendable {
    let arrivals: AsyncStream<Void>
    private let arrival: AsyncStream<Void>.Continuation
    private let waiting = Mutex<[String]>([])

    init() {
        (arrivals, arrival) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func post(_ channels: [String]) {
        waiting.withLock { waiting in
            for channel in channels where !waiting.contains(channel) { waiting.append(channel) }
        }
        arrival.yield()
    }

    func take() -> String? {
        waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }

    func finish() {
        arrival.finish()
    }
}
