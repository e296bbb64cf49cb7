import EventStore
import Hummingbird
import Logging
import NIOCore

/// Why a stream ended.
enum StreamEnding: String, CaseIterable {
    case disconnected
    case slowReader = "slow_reader"
    case keyRevoked = "key_revoked"
    case shutdown

    init(_ ending: LiveEnding) {
        switch ending {
        case .disconnected: self = .disconnected
        case .slowReader: self = .slowReader
        case .shutdown: self = .shutdown
        }
    }

    /// What a client that is still there is told.
    var detail: String {
        switch self {
        case .disconnected: "the client has closed the stream"
        case .slowReader: "events came faster than they were read; go on after the last event read"
        case .keyRevoked: "the key was revoked"
        case .shutdown: "the gateway is stopping; go on after the last event read"
        }
    }
}

/// How often a stream does what.
public struct StreamTimes: Sendable {
    /// From what was sent last to the comment that shows that the stream is alive.
    public var heartbeat = Duration.seconds(15)
    /// From one look at the key to the next; what is seen may be as old as the key store remembers.
    public var keyCheck = Duration.seconds(10)

    /// The times of a gateway.
    public init() {}
}

/// Writes one stream (server-sent events, HTML Living Standard §9.2).
struct StreamListener: Sendable {
    let subscription: LiveSubscription<StreamBatch>
    let filter: StreamFilter
    let times: StreamTimes
    let metrics: GatewayMetrics
    let logger: Logger
    /// Whether the key that opened the stream still opens it.
    let isKeyGood: @Sendable () async -> Bool

    /// Writes until the stream ends, and says why it does.
    @concurrent func run(_ request: RequestBody, _ writer: inout any ResponseBodyWriter) async throws {
        metrics.streamOpened()
        var known: StreamEnding?
        defer {
            // Without one, a write has failed.
            let ending = known ?? subscription.ending.map { StreamEnding($0) } ?? .disconnected
            metrics.streamEnded(ending)
            logger.debug("stream.ended", metadata: ["stream.reason": "\(ending.rawValue)"])
        }
        let ending = try await request.consumeWithInboundCloseHandler { _ in
            try await serve(&writer)
        } onInboundClosed: { [subscription] in
            // Also for a half-closed connection: no client of streams has reason to make one.
            subscription.disconnect()
        }
        known = ending
        if ending != .disconnected {
            let data = #"{"reason":"\#(ending.rawValue)","detail":"\#(ending.detail)"}"#
            try await writer.write(ByteBuffer(string: "event: error\ndata: \(data)\n\n"))
        }
        try await writer.finish(nil)
    }

    @concurrent private func serve(_ writer: inout any ResponseBodyWriter) async throws -> StreamEnding {
        var lastID = subscription.startID
        var sentID = lastID
        // An id without data is no event; with it, who is cut off before the first event goes on from here.
        try await writer.write(ByteBuffer(string: "retry: 2000\n" + (lastID.map { "id: \($0)\n" } ?? "") + "\n"))
        var heartbeat = ContinuousClock.now.advanced(by: times.heartbeat)
        var check = ContinuousClock.now.advanced(by: times.keyCheck)
        while true {
            switch await subscription.next(until: min(heartbeat, check)) {
            case .batch(let batch, let position):
                lastID = batch.lastID ?? lastID
                let frames = batch.frames(for: filter, after: position)
                guard frames.count > 0 else { break }
                try await writer.write(frames.bytes)
                metrics.sent(frames.count)
                sentID = frames.lastID
                heartbeat = .now.advanced(by: times.heartbeat)
            case .idle: break
            case .ended(let ending): return StreamEnding(ending)
            }
            let now = ContinuousClock.now
            if now >= heartbeat {
                // Where a filter has let nothing through, the client need not have all of it looked at again.
                let progress = lastID.flatMap { $0 == sentID ? nil : "id: \($0)\n\n" }
                try await writer.write(ByteBuffer(string: progress ?? ": heartbeat\n"))
                sentID = lastID
                heartbeat = now.advanced(by: times.heartbeat)
            }
            if now >= check {
                guard await isKeyGood() else { return .keyRevoked }
                check = now.advanced(by: times.keyCheck)
            }
        }
    }
}
