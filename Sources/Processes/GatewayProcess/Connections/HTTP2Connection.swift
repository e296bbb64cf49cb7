import HTTPTypes
import NIOCore
import NIOHTTP2

/// One HTTP/2 connection (RFC 9113): ends it when its client takes too long or breaks the protocol, or when the server
/// stops, and looks after its streams.
///
/// What floods can do is bounded by the frame handler before this one: streams at a time, streams that are reset,
/// control frames, errors and continuations in a time, and the size of a head; past a bound it says GOAWAY, and this
/// handler closes.
final class HTTP2Connection: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame
    typealias InboundOut = HTTP2Frame
    typealias OutboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private enum Phase {
        case serving
        /// The client was told to open no more streams; the connection ends with the last that there is.
        case leaving
        /// It has broken the protocol and was told so.
        case broken
    }

    private let timeouts: ConnectionTimeouts
    private let drain: DrainState
    private let lateStreams: LateStreams
    private var watch: ConnectionWatch
    private var phase = Phase.serving
    private var streams: [ObjectIdentifier: HTTP2Stream] = [:]
    private var lastStream = HTTP2StreamID.rootStream
    /// Whether the frame handler has ended the connection for an error of the client's.
    private var isCondemned = false
    private var context: ChannelHandlerContext?
    private var ticker: RepeatedTask?

    /// - Parameter deadline: when the connection is closed if its first request is not there by then.
    init(
        timeouts: ConnectionTimeouts, drain: DrainState, lateStreams: LateStreams, deadline: NIODeadline
    ) {
        self.timeouts = timeouts
        self.drain = drain
        self.lateStreams = lateStreams
        watch = ConnectionWatch(deadline: deadline)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        ticker = context.eventLoop.scheduleRepeatedTask(initialDelay: timeouts.tick, delay: timeouts.tick) { _ in
            let (handler, context) = bound.value
            handler.tick(context, at: .now())
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        ticker?.cancel()
        ticker = nil
        self.context = nil
    }

    private func tick(_ context: ChannelHandlerContext, at now: NIODeadline) {
        let bytes = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        if watch.isOverdue(unsentBytes: bytes, at: now, patience: timeouts.idle) {
            guard case .serving = phase, streams.isEmpty, bytes == 0 else { return context.close(promise: nil) }
            return leave(context)
        }
        for stream in streams.values where stream.isOverdue(at: now) { stream.cut() }
    }

    // MARK: Streams

    /// Takes note of a new stream.
    func opened(_ stream: HTTP2Stream, id: HTTP2StreamID) {
        streams[ObjectIdentifier(stream)] = stream
        lastStream = max(lastStream, id)
        watch.deadline = nil
        guard drain.isDraining, let context else { return }
        // Not before the streams that came together are all there: the frame handler opens none after a GOAWAY.
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.execute { bound.value.0.leave(bound.value.1) }
    }

    func closed(_ stream: HTTP2Stream) {
        guard streams.removeValue(forKey: ObjectIdentifier(stream)) != nil, streams.isEmpty, let context else { return }
        switch phase {
        case .serving: watch.deadline = .now() + timeouts.idle
        case .leaving: close(context)
        case .broken: break
        }
    }

    // MARK: Farewell

    /// Tells the client to open no more streams, and which was the last that it gets an answer to: what it has opened
    /// since is for it to ask elsewhere (RFC 9113 §6.8).
    private func leave(_ context: ChannelHandlerContext) {
        guard case .serving = phase, self.context != nil else { return }
        phase = .leaving
        lateStreams.last = UInt32(Int(lastStream))
        let goodbye = HTTP2Frame.FramePayload.goAway(lastStreamID: lastStream, errorCode: .noError, opaqueData: nil)
        context.writeAndFlush(wrapOutboundOut(HTTP2Frame(streamID: .rootStream, payload: goodbye)), promise: nil)
        if streams.isEmpty { close(context) }
    }

    /// Closes when the frames of this turn have been written: the end of an answer is told before it is flushed. What
    /// the client sends meanwhile would reset the connection, and the GOAWAY with it, if both ways were closed at once.
    private func close(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.execute { bound.value.close(mode: .output, promise: nil) }
        context.eventLoop.scheduleTask(in: timeouts.lingering) { bound.value.close(promise: nil) }
    }

    // MARK: In

    func read(context: ChannelHandlerContext) {
        if case .broken = phase { return }
        context.read()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            watch.end = .now() + timeouts.drain
            leave(context)
        case ChannelEvent.inputClosed:
            // Who sends no more can't let us send either, when the window is used up.
            context.close(promise: nil)
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // An error of one stream has ended that stream, and is no reason to end the others.
        if error is any NIOHTTP2Error || error is NIOHTTP2Errors.StreamError, !isCondemned { return }
        guard isCondemned else { return context.close(promise: nil) }
        if case .broken = phase { return }
        phase = .broken
        // The client is told why, and has a moment to read it; nothing of its own is read any more.
        close(context)
        for stream in streams.values { stream.cut() }
    }
}

extension HTTP2Connection: NIOHTTP2FrameDelegate {
    func wroteFrame(_ frame: HTTP2Frame) {
        if case .goAway(_, let code, _) = frame.payload, code != .noError { isCondemned = true }
    }
}

@available(*, unavailable)
extension HTTP2Connection: Sendable {}
