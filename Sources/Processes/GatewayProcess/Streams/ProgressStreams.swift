import Hummingbird
import JSONTree
import NIOCore
import ServiceLifecycle
import Synchronization

/// How far a job is, as a stream tells it.
struct Progress: Sendable {
    /// A JSON object.
    let json: [UInt8]
    /// Whether nothing more will change.
    let isFinal: Bool
}

/// The streams that tell how far jobs are, bounded in their number and each in its time.
final class ProgressStreams: Sendable {
    static let maximumCount = 100

    private let open = Atomic<Int>(0)

    /// Takes a place for a stream, which it has as long as it lives.
    ///
    /// - Parameters:
    ///   - first: how far the job is now.
    ///   - next: how far it is when that is asked; nil when it is gone.
    /// - Throws: `overloaded` when all are taken.
    func open(
        _ first: Progress, next: @escaping @Sendable () async throws -> Progress?
    ) throws -> ProgressListener {
        let place = Place(of: self)
        guard place.number <= Self.maximumCount else {
            throw Problem(
                .overloaded, "\(Self.maximumCount) jobs are being watched; ask for this one now and then instead",
                headers: [.retryAfter: "5"])
        }
        return ProgressListener(place: place, first: first, next: next)
    }

    /// Given back when nobody holds it any more, also by an answer that was never written.
    fileprivate final class Place: Sendable {
        private let streams: ProgressStreams
        let number: Int

        init(of streams: ProgressStreams) {
            self.streams = streams
            number = streams.open.add(1, ordering: .relaxed).newValue
        }

        deinit { streams.open.subtract(1, ordering: .relaxed) }
    }
}

/// Writes how far one job is (server-sent events, HTML Living Standard §9.2) until it has ended, the client has gone or
/// some minutes have passed; whoever wants more asks again.
struct ProgressListener: Sendable {
    private static let interval = Duration.milliseconds(250)
    private static let heartbeat = Duration.seconds(15)
    private static let longest = Duration.seconds(600)

    fileprivate let place: ProgressStreams.Place
    fileprivate let first: Progress
    fileprivate let next: @Sendable () async throws -> Progress?

    /// The answer: `progress` whenever there is some, `done` at the end.
    func response(to request: Request) -> Response {
        Response(
            status: .ok, headers: .eventStream,
            body: ResponseBody { writer in try await run(request.body, &writer) })
    }

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
        var progress = first
        while true {
            let now = ContinuousClock.now
            if progress.json != sent {
                let name = progress.isFinal ? "done" : "progress"
                try await writer.write(
                    ByteBuffer(bytes: Array("event: \(name)\ndata: ".utf8) + progress.json + [10, 10]))
                (sent, sentAt) = (progress.json, now)
            } else if now - sentAt >= Self.heartbeat {
                try await writer.write(ByteBuffer(string: ": heartbeat\n"))
                sentAt = now
            }
            guard !progress.isFinal, now < end, !isGone.isSet, !Task.isShuttingDownGracefully else { return }
            try await Task.sleep(for: Self.interval)
            guard let news = try await next() else { return }
            progress = news
        }
    }

    private final class Flag: Sendable {
        private let value = Atomic<Bool>(false)

        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }
}
