import EventModel
import NIOCore
import NIOHTTP1
import Runtime

/// One HTTP/1.1 connection: decides for each request whether the fast intake answers it or the router, keeps the order
/// of answers, and ends connections that take too long or that the server wants to end.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum Phase {
        /// Nothing of the fast intake's is under way.
        case routing
        /// The body of a request for the fast intake comes in.
        case collecting(FastRequest)
        /// The event waits to be stored.
        case storing
    }

    private let lane: FastLane
    private let timeouts: ConnectionTimeouts
    private let drain: DrainState
    private var context: ChannelHandlerContext?
    private var ticker: RepeatedTask?
    private var phase = Phase.routing
    private var watch: ConnectionWatch
    /// Requests that the router has and has not answered to the end.
    private var routed = 0
    /// Whether the body of the router's last request has not come to its end.
    private var isReceiving = false
    private var isQuiescing = false
    /// Whether a request or an answer has said that it is the last of the connection (RFC 9112 §9.6).
    private var isFinal = false
    /// Whether what comes in is passed over: it is no HTTP, or comes behind the last request.
    private var isDeaf = false
    /// What came in while an event was being stored: later requests wait for its answer.
    private var held: CircularBuffer<HTTPServerRequestPart> = []
    private var heldError: (any Error)?
    private var isInputClosed = false
    private var isReadDue = false
    /// The header that the last request of this connection was let in with.
    private var admission: Admission?

    /// - Parameter deadline: when the connection is closed if its first head is not there by then.
    init(_ lane: FastLane, timeouts: ConnectionTimeouts, drain: DrainState, deadline: NIODeadline) {
        self.lane = lane
        self.timeouts = timeouts
        self.drain = drain
        watch = ConnectionWatch(deadline: deadline)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        ticker = context.eventLoop.scheduleRepeatedTask(initialDelay: timeouts.tick, delay: timeouts.tick) { _ in
            let (handler, context) = bound.value
            if handler.isOverdue(context, at: .now()) { context.close(promise: nil) }
        }
    }

    private func isOverdue(_ context: ChannelHandlerContext, at now: NIODeadline) -> Bool {
        let bytes = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        return watch.isOverdue(unsentBytes: bytes, at: now, patience: timeouts.idle)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        ticker?.cancel()
        ticker = nil
        self.context = nil
    }

    // MARK: In

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDeaf else { return }
        let part = unwrapInboundIn(data)
        switch phase {
        case .storing: held.append(part)
        case .collecting(let request): collect(part, of: request, context)
        case .routing: begin(part, context)
        }
    }

    private func begin(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        let now = NIODeadline.now()
        switch part {
        case .head(let head):
            if routed == 0, let request = lane.admit(head, &admission, at: now) {
                watch.deadline = now + timeouts.body
                phase = .collecting(request)
                return
            }
            guard !isFinal else {
                isDeaf = true
                return
            }
            guard Self.hasHost(head) else { return reject(.hostMissing, HTTPParserError.invalidHeaderToken, context) }
            // What HTTP/1.0 knows of keeping connections is not worth knowing.
            isFinal = head.version != .http1_1 || !head.isKeepAlive
            isReceiving = true
            routed += 1
            watch.deadline = now + timeouts.idle
        case .body: watch.deadline = now + timeouts.idle
        case .end:
            isReceiving = false
            watch.deadline = nil
        }
        context.fireChannelRead(wrapInboundOut(part))
    }

    /// Whether a request says whom it is for, once (RFC 9112 §3.2): who does not may be read otherwise by a proxy.
    private static func hasHost(_ head: HTTPRequestHead) -> Bool {
        let count = head.headers.reduce(0) { $0 + ($1.name.lowercased() == "host" ? 1 : 0) }
        return count == 1 || (count == 0 && head.version != .http1_1)
    }

    private func collect(
        _ part: HTTPServerRequestPart, of request: FastRequest, _ context: ChannelHandlerContext
    ) {
        var request = request
        switch part {
        case .head: return route(request, context)
        case .body(var bytes):
            // The common body comes in one piece, which is then not copied.
            if request.body.readableBytes == 0 { request.body = bytes } else { request.body.writeBuffer(&bytes) }
            phase = .collecting(request)
        case .end:
            guard lane.store(request, for: self) else {
                route(request, context)
                context.fireChannelRead(wrapInboundOut(part))
                watch.deadline = nil
                return
            }
            watch.deadline = nil
            phase = .storing
        }
    }

    /// Gives the router a request that the fast intake can't answer, from its head on: there is one way to refuse.
    private func route(_ request: FastRequest, _ context: ChannelHandlerContext) {
        phase = .routing
        routed += 1
        context.fireChannelRead(wrapInboundOut(.head(request.head)))
        if request.body.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(.body(request.body))) }
    }

    func read(context: ChannelHandlerContext) {
        // A client that sends more requests while one is stored waits for its answers: nothing piles up here.
        if held.isEmpty { context.read() } else { isReadDue = true }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .storing = phase {
            heldError = error
        } else if let error = error as? HTTPParserError {
            if !isDeaf { reject(Problem(reading: error), error, context) }
        } else {
            context.fireErrorCaught(error)
        }
    }

    /// Answers what is no HTTP that we take, and ends the connection: nobody knows where the next request begins.
    ///
    /// - Parameter error: for the router, which does so behind the answers that it owes.
    private func reject(_ problem: Problem, _ error: HTTPParserError, _ context: ChannelHandlerContext) {
        isDeaf = true
        guard routed == 0 else { return context.fireErrorCaught(error) }
        let (head, body) = problem.answer(requestID: UniqueID.generate().description)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        linger(context)
    }

    /// Ends the connection behind an answer.
    private func finish(_ context: ChannelHandlerContext) {
        if isReceiving { linger(context) } else { context.close(promise: nil) }
    }

    /// What still comes in would reset the connection, and the answer with it, if it were closed at once. So the client
    /// is told that nothing more comes, and has a moment to close it.
    private func linger(_ context: ChannelHandlerContext) {
        watch.end = .now() + timeouts.lingering
        context.close(mode: .output, promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            isQuiescing = true
            watch.end = .now() + timeouts.drain
            if case .routing = phase, routed == 0 { finish(context) }
        case ChannelEvent.inputClosed:
            // A client that has sent its last request still wants the answer.
            if case .storing = phase { isInputClosed = true } else { context.fireUserInboundEventTriggered(event) }
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    // MARK: Out

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where head.status.code >= 200:
            if routed == 1, isLeaving || isFinal { head.headers.replaceOrAdd(name: "connection", value: "close") }
            if !head.isKeepAlive { isFinal = true }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .head, .body: context.write(data, promise: promise)
        case .end: end(context, data, promise)
        }
    }

    /// Whether the answer to the last request that is here is the last of the connection.
    private var isLeaving: Bool { isQuiescing || drain.isDraining }

    private func end(_ context: ChannelHandlerContext, _ data: NIOAny, _ promise: EventLoopPromise<Void>?) {
        routed -= 1
        if routed == 0, isQuiescing || isFinal {
            context.writeAndFlush(data, promise: promise)
            finish(context)
        } else {
            if routed == 0 { watch.deadline = .now() + timeouts.idle }
            context.write(data, promise: promise)
        }
    }

    /// Writes the answer to the request that was being stored, and goes on with what came in meanwhile.
    func answer(_ head: HTTPResponseHead, _ body: ByteBuffer) {
        guard let context else { return }
        phase = .routing
        watch.deadline = .now() + timeouts.idle
        var head = head
        let isLast = isLeaving && held.isEmpty
        if isLast { head.headers.replaceOrAdd(name: "connection", value: "close") }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        if isLast { return context.close(promise: nil) }
        resume(context)
    }

    private func resume(_ context: ChannelHandlerContext) {
        if !held.isEmpty {
            let parts = held
            held = []
            for part in parts { channelRead(context: context, data: wrapInboundOut(part)) }
            context.fireChannelReadComplete()
        }
        if case .storing = phase { return }
        if let error = heldError {
            heldError = nil
            errorCaught(context: context, error: error)
        }
        if isInputClosed {
            isInputClosed = false
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }
        if isReadDue {
            isReadDue = false
            context.read()
        }
    }
}

@available(*, unavailable)
extension ConnectionHandler: Sendable {}
