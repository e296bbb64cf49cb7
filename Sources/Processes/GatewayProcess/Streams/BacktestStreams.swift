import EventModel
import EventStore
import Hummingbird
import JSONTree
import NIOCore
import ServiceLifecycle
import Synchronization

/// The streams that tell how far backtests are, bounded in their number and each in its time.
final class BacktestStreams: Sendable {
    static let maximumCount = 100

    private let backtests: BacktestStore
    private let open = Atomic<Int>(0)

    init(backtests: BacktestStore) {
        self.backtests = backtests
    }

    /// Takes a place for a stream, which it has as long as it lives.
    ///
    /// - Throws: `overloaded` when all are taken.
    func open(_ backtest: Backtest, organizationID: UniqueID) throws -> BacktestListener {
        let place = Place(of: self)
        guard place.number <= Self.maximumCount else {
            throw Problem(
                .overloaded, "\(Self.maximumCount) backtests are being watched; ask for this one now and then instead",
                headers: [.retryAfter: "5"])
        }
        return BacktestListener(place: place, backtests: backtests, first: backtest, organizationID: organizationID)
    }

    /// Given back when nobody holds it any more, also by an answer that was never written.
    fileprivate final class Place: Sendable {
        private let streams: BacktestStreams
        let number: Int

        init(of streams: BacktestStreams) {
            self.streams = streams
            number = streams.open.add(1, ordering: .relaxed).newValue
        }

        deinit { streams.open.subtract(1, ordering: .relaxed) }
    }
}

/// Writes how far one backtest is (server-sent events, HTML Living Standard §9.2) until it has ended, the client has
/// gone or some minutes have passed; whoever wants more asks again.
struct BacktestListener: Sendable {
    private static let interval = Duration.milliseconds(250)
    private static let heartbeat = Duration.seconds(15)
    private static let longest = Duration.seconds(600)

    fileprivate let place: BacktestStreams.Place
    fileprivate let backtests: BacktestStore
    fileprivate let first: Backtest
    fileprivate let organizationID: UniqueID

    /// Writes until the stream ends.
    @concurrent func run(_ request: RequestBody, _ writer: inout any ResponseBodyWriter) async throws {
        let isGone = Flag()
        try await request.consumeWithInboundCloseHandler { _ in
            try await serve(&writer, isGone)
        } onInboundClosed: {
            isGone.set()
        }
        try await writer.finish(nil)
    }

    @concurrent private func serve(_ writer: inout any ResponseBodyWriter, _ isGone: Flag) async throws {
        let end = ContinuousClock.now.advanced(by: Self.longest)
        var sent: [UInt8] = []
        var sentAt = ContinuousClock.now
        var backtest = first
        while true {
            var body = JSONWriter()
            body.object { backtest.write(to: &$0, withResult: backtest.status.isFinal) }
            let now = ContinuousClock.now
            if body.bytes != sent {
                let name = backtest.status.isFinal ? "done" : "progress"
                try await writer.write(ByteBuffer(bytes: Array("event: \(name)\ndata: ".utf8) + body.bytes + [10, 10]))
                (sent, sentAt) = (body.bytes, now)
            } else if now - sentAt >= Self.heartbeat {
                try await writer.write(ByteBuffer(string: ": heartbeat\n"))
                sentAt = now
            }
            guard !backtest.status.isFinal, now < end, !isGone.isSet, !Task.isShuttingDownGracefully else { return }
            try await Task.sleep(for: Self.interval)
            guard let next = try await backtests.backtest(first.id, organizationID: organizationID) else { return }
            backtest = next
        }
    }

    private final class Flag: Sendable {
        private let value = Atomic<Bool>(false)

        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }
}
