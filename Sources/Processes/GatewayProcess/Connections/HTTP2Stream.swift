import EventModel
import HTTPTypes
import JSONTree
import NIOCore
import NIOHPACK
import NIOHTTP2
import Runtime
import Synchronization

/// One request over HTTP/2: holds it to the bounds that a request over HTTP/1.1 has.
///
/// It stands between the frames of the stream and the router, and makes of both what the router is used to: a body
/// without a length is marked as HTTP/1.1 marks it, and no answer speaks of the connection (RFC 9113 §8.2.2).
final class HTTP2Stream: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = HTTP2Frame.FramePayload
    typealias OutboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    /// Header fields that HTTP/1.1 alone knows.
    private static let connectionFields = ["connection", "keep-alive", "transfer-encoding"]
    /// What is written at a time: a client that reads slowly, but reads, is seen to.
    private static let pieceBytes = 16 * 1024

    private let connection: HTTP2Connection
    private let timeouts: ConnectionTimeouts
    private let openRequests: OpenRequests
    private var watch: ConnectionWatch
    private var unsentBytes = 0
    /// Whether the request was answered here and is none for the router.
    private var isRefused = false
    private var isCounted = false
    private var context: ChannelHandlerContext?

    init(_ connection: HTTP2Connection, timeouts: ConnectionTimeouts, openRequests: OpenRequests) {
        self.connection = connection
        self.timeouts = timeouts
        self.openRequests = openRequests
        watch = ConnectionWatch(deadline: .now() + timeouts.idle)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        connection.closed(self)
        if isCounted { openRequests.left() }
        isCounted = false
        context.fireChannelInactive()
    }

    func isOverdue(at now: NIODeadline) -> Bool {
        watch.isOverdue(unsentBytes: unsentBytes, at: now, patience: timeouts.idle)
    }

    /// Ends the stream; the client is told by RST_STREAM.
    func cut() {
        context?.close(promise: nil)
    }

    // MARK: In

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        var payload = unwrapInboundIn(data)
        switch payload {
        case .headers(var block):
            watch.deadline = block.endStream ? nil : .now() + timeouts.idle
            if let problem = flaw(of: block.headers) { return refuse(problem, context) }
            let isOpenEnded = !block.endStream && !block.headers.contains(name: "content-length")
            if isOpenEnded, block.headers.contains(name: ":method") {
                block.headers.add(name: "transfer-encoding", value: "chunked")
                payload = .headers(block)
            }
        case .data(let piece): watch.deadline = piece.endStream ? nil : .now() + timeouts.idle
        default: break
        }
        context.fireChannelRead(wrapInboundOut(payload))
    }

    private func flaw(of headers: HPACKHeaders) -> Problem? {
        // As RFC 9113 §6.5.2 counts, without the 32 that each field costs a table.
        let bytes = headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        let isTooLarge = bytes > GatewayChannel.maximumHeadBytes || headers.count > GatewayChannel.maximumHeadFields
        if isTooLarge { return .headTooLarge }
        // Read leniently it would be a path that a proxy before us has not seen (RFC 9113 §8.3.1).
        if let path = headers.first(name: ":path"), !path.hasPrefix("/"), path != "*" { return .notAPath }
        if !isCounted { isCounted = openRequests.entered() }
        return isCounted ? nil : .tooManyRequests
    }

    private func refuse(_ problem: Problem, _ context: ChannelHandlerContext) {
        isRefused = true
        let requestID = UniqueID.generate().description
        var writer = JSONWriter()
        writer.object { problem.write(to: &$0, requestID: requestID) }
        var headers: HPACKHeaders = [
            ":status": "\(problem.kind.status.code)", "content-type": "application/problem+json",
            "content-length": "\(writer.bytes.count)", "x-request-id": requestID,
        ]
        for field in problem.headers { headers.add(name: field.name.canonicalName, value: field.value) }
        context.write(wrapOutboundOut(.headers(.init(headers: headers))), promise: nil)
        let body = HTTP2Frame.FramePayload.data(
            .init(data: .byteBuffer(ByteBuffer(bytes: writer.bytes)), endStream: true))
        context.writeAndFlush(wrapOutboundOut(body), promise: nil)
        watch.end = .now() + timeouts.lingering
    }

    // MARK: Out

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .headers(var block):
            for name in Self.connectionFields { block.headers.remove(name: name) }
            context.write(wrapOutboundOut(.headers(block)), promise: promise)
        case .data(let block):
            guard case .byteBuffer(var bytes) = block.data, bytes.readableBytes > 0 else {
                return context.write(data, promise: promise)
            }
            while bytes.readableBytes > Self.pieceBytes, let piece = bytes.readSlice(length: Self.pieceBytes) {
                write(.init(data: .byteBuffer(piece)), promise: nil, context)
            }
            write(.init(data: .byteBuffer(bytes), endStream: block.endStream), promise: promise, context)
        default: context.write(data, promise: promise)
        }
    }

    private func write(
        _ block: HTTP2Frame.FramePayload.Data, promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext
    ) {
        let count = block.data.readableBytes
        unsentBytes += count
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { [self] _ in
            unsentBytes -= count
            watch.progressed(at: .now())
        }
        if let promise { sent.futureResult.cascade(to: promise) }
        context.write(wrapOutboundOut(.data(block)), promise: sent)
    }
}

@available(*, unavailable)
extension HTTP2Stream: Sendable {}

/// How many requests of all HTTP/2 connections are open; over HTTP/1.1 the number of connections bounds them.
final class OpenRequests: Sendable {
    private let maximum: Int
    private let count = Atomic<Int>(0)

    init(maximum: Int) {
        self.maximum = maximum
    }

    /// Takes a place, if there is one.
    func entered() -> Bool {
        if count.add(1, ordering: .relaxed).newValue <= maximum { return true }
        left()
        return false
    }

    func left() { count.subtract(1, ordering: .relaxed) }
}

extension Problem {
    fileprivate static let notAPath = Problem(.malformedRequest, "the path does not begin with a slash")
    fileprivate static let tooManyRequests = Problem(
        .overloaded, "more requests are open than are taken at a time; send again later", headers: [.retryAfter: "1"])
}
