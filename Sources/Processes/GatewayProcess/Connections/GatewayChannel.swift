import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOHTTPTypesHTTP2
import NIOSSL
import Runtime

/// The handlers of one connection: HTTP/1.1 or HTTP/2, in the clear or over TLS.
///
/// HTTP/1.1 is as Hummingbird's own, with ``ConnectionHandler`` in the place of its idle timer: single JSON events are
/// answered there, on the event loop; every other request goes on to the router, and so does every one over HTTP/2.
struct GatewayChannel: HTTPChannelHandler {
    typealias Exchange = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    /// What a connection turned out to be.
    enum Connection: Sendable {
        /// All requests, one after the other.
        case http1(Exchange)
        /// Each request by itself.
        case http2(AsyncStream<Exchange>)
    }

    struct Value: ServerChildChannelValue {
        let channel: any Channel
        fileprivate let connection: EventLoopFuture<Connection>
    }

    static let maximumHeadBytes = 32 * 1024
    static let maximumHeadFields = 100
    /// Requests of one HTTP/2 connection at a time.
    static let maximumStreams = 100

    let responder: HTTPChannelHandler.Responder
    let intake: FastIntake
    let timeouts: ConnectionTimeouts
    let drain: DrainState
    let openRequests: OpenRequests
    /// What TLS is spoken with; nil for none.
    let certificate: CertificateStore?

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let deadline = NIODeadline.now() + timeouts.firstHead
            let connection = channel.eventLoop.makePromise(of: Connection.self)
            let pipeline = channel.pipeline.syncOperations
            if let certificate { try pipeline.addHandler(NIOSSLServerHandler(context: certificate.context)) }
            try pipeline.addHandler(
                ProtocolChoice(
                    isSecure: certificate != nil, deadline: deadline, lingering: timeouts.lingering
                ) { choice in
                    switch choice {
                    case .http1: connection.succeed(.http1(try http1(channel, deadline)))
                    case .http2: connection.succeed(.http2(try http2(channel, deadline)))
                    }
                } abandon: {
                    connection.fail(ChannelError.eof)
                })
            return Value(channel: channel, connection: connection.futureResult)
        }
    }

    private func http1(_ channel: any Channel, _ deadline: NIODeadline) throws -> Exchange {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = Self.maximumHeadBytes
        limits.maxHeaderListSize = Self.maximumHeadBytes
        limits.maxHeaderFieldCount = Self.maximumHeadFields
        let pipeline = channel.pipeline.syncOperations
        try pipeline.configureHTTPServerPipeline(
            withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false,
            withEncoderConfiguration: .init(), withDecoderLimitConfiguration: limits)
        try pipeline.addHandler(
            ConnectionHandler(
                intake.lane(of: channel.eventLoop), timeouts: timeouts, drain: drain, deadline: deadline))
        try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: certificate != nil))
        return try Exchange(
            wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
    }

    private func http2(_ channel: any Channel, _ deadline: NIODeadline) throws -> AsyncStream<Exchange> {
        // Ours, and not that of the library, which ends at the first error, and drops the streams that come after it.
        let (requests, arrivals) = AsyncStream<Exchange>.makeStream()
        let late = LateStreams()
        let connection = HTTP2Connection(timeouts: timeouts, drain: drain, lateStreams: late, deadline: deadline)
        let bound = NIOLoopBound(connection, eventLoop: channel.eventLoop)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(late)
        _ = try pipeline.configureAsyncHTTP2Pipeline(
            mode: .server, streamDelegate: nil, frameDelegate: connection, configuration: Self.limits
        ) { [timeouts, openRequests] stream in
            stream.eventLoop.makeCompletedFuture {
                let handler = HTTP2Stream(bound.value, timeouts: timeouts, openRequests: openRequests)
                let pipeline = stream.pipeline.syncOperations
                try pipeline.addHandlers([handler, HTTP2FramePayloadToHTTPServerCodec()])
                arrivals.yield(try Exchange(wrappingChannelSynchronously: stream))
                let id = try stream.syncOptions?.getOption(HTTP2StreamChannelOptions.streamID)
                bound.value.opened(handler, id: id ?? .rootStream)
            }
        }
        try pipeline.addHandler(connection)
        channel.closeFuture.whenComplete { _ in arrivals.finish() }
        return requests
    }

    /// What one HTTP/2 connection may do. A head over the bounds of HTTP/1.1 is answered as there, one over twice that
    /// ends the connection: what it would have taught the header compression is lost.
    private static var limits: NIOHTTP2Handler.Configuration {
        var limits = NIOHTTP2Handler.Configuration()
        limits.connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: maximumStreams),
            HTTP2Setting(parameter: .maxHeaderListSize, value: 2 * maximumHeadBytes),
        ]
        limits.connection.maximumBufferedControlFrames = 1_000
        return limits
    }

    func handle(value: Value, logger: Logger) async {
        switch try? await value.connection.get() {
        case .http1(let exchange): await handleHTTP(asyncChannel: exchange, logger: logger)
        case .http2(let exchanges):
            await withDiscardingTaskGroup { requests in
                for await exchange in exchanges {
                    requests.addTask { await handleHTTP(asyncChannel: exchange, logger: logger) }
                }
            }
        case nil: break
        }
    }
}
