import NIOCore
import NIOTLS

/// What a connection speaks.
enum HTTPVersionChoice {
    case http1, http2
}

/// Finds out what a new connection speaks: over TLS from its handshake (RFC 7301), in the clear from its first bytes,
/// which are the preface of RFC 9113 §3.4 or the head of an HTTP/1.1 request. Then it leaves the pipeline.
final class ProtocolChoice: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    private let isSecure: Bool
    private let deadline: NIODeadline
    private let lingering: TimeAmount
    private let choose: (HTTPVersionChoice) throws -> Void
    private let abandon: () -> Void
    private var timer: Scheduled<Void>?
    private var received: ByteBuffer?
    private var isChosen = false
    private var isQuiescing = false

    /// - Parameters:
    ///   - deadline: when the connection is closed if it has said nothing.
    ///   - lingering: how long it has to say it when the server stops.
    ///   - choose: sets up the pipeline behind this handler.
    ///   - abandon: is told instead that there is nothing to be set up.
    init(
        isSecure: Bool, deadline: NIODeadline, lingering: TimeAmount,
        choose: @escaping (HTTPVersionChoice) throws -> Void, abandon: @escaping () -> Void
    ) {
        self.isSecure = isSecure
        self.deadline = deadline
        self.lingering = lingering
        self.choose = choose
        self.abandon = abandon
    }

    func handlerAdded(context: ChannelHandlerContext) {
        close(context, at: deadline)
    }

    private func close(_ context: ChannelHandlerContext, at deadline: NIODeadline) {
        timer?.cancel()
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(deadline: deadline) { bound.value.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        if !isChosen { abandon() }
        isChosen = true
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isChosen else { return context.fireChannelRead(data) }
        var bytes = unwrapInboundIn(data)
        if received == nil { received = bytes } else { received?.writeBuffer(&bytes) }
        guard !isSecure, let received else { return }
        let start = received.readableBytesView.prefix(Self.preface.count)
        guard Self.preface.starts(with: start) else { return settle(.http1, context) }
        if start.count == Self.preface.count { settle(.http2, context) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted(let name) where !isChosen:
            settle(name == "h2" ? .http2 : .http1, context)
        case is ChannelShouldQuiesceEvent where !isChosen:
            // A connection that was accepted just now most likely has its request behind it.
            isQuiescing = true
            close(context, at: min(deadline, .now() + lingering))
        case ChannelEvent.inputClosed where !isChosen: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if isChosen { context.fireErrorCaught(error) } else { context.close(promise: nil) }
    }

    private func settle(_ choice: HTTPVersionChoice, _ context: ChannelHandlerContext) {
        timer?.cancel()
        isChosen = true
        do {
            try choose(choice)
        } catch {
            abandon()
            return context.close(promise: nil)
        }
        if let received, received.readableBytes > 0 {
            context.fireChannelRead(wrapInboundOut(received))
            context.fireChannelReadComplete()
        }
        received = nil
        if isQuiescing { context.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}

@available(*, unavailable)
extension ProtocolChoice: Sendable {}
