import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import Runtime

/// The handlers of one HTTP/1.1 connection.
///
/// As Hummingbird's own, with ``ConnectionHandler`` in the place of its idle timer: single JSON events are answered
/// there, on the event loop; every other request goes on to the router.
struct GatewayChannel: HTTPChannelHandler {
    typealias Value = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    static let maximumHeadBytes = 32 * 1024
    static let maximumHeadFields = 100

    let responder: HTTPChannelHandler.Responder
    let intake: FastIntake
    let timeouts: ConnectionTimeouts

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            var limits = NIOHTTPDecoderLimitConfiguration()
            limits.maxHeaderFieldSize = Self.maximumHeadBytes
            limits.maxHeaderListSize = Self.maximumHeadBytes
            limits.maxHeaderFieldCount = Self.maximumHeadFields
            let pipeline = channel.pipeline.syncOperations
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false,
                withEncoderConfiguration: .init(), withDecoderLimitConfiguration: limits)
            try pipeline.addHandler(ConnectionHandler(intake.lane(of: channel.eventLoop), timeouts: timeouts))
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: false))
            return try NIOAsyncChannel(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
        }
    }

    func handle(value: Value, logger: Logger) async {
        await handleHTTP(asyncChannel: value, logger: logger)
    }
}

/// How long a connection may take for what.
struct ConnectionTimeouts: Sendable {
    /// From the connection to the end of its first head: without it, whoever opens connections and says nothing would
    /// hold all there are.
    var firstHead = TimeAmount.seconds(15)
    /// From an answer to the end of the next head, and between two pieces of a body.
    var idle = TimeAmount.seconds(75)
    /// From a head to the end of its body.
    var body = TimeAmount.seconds(60)
    /// How often the others are looked at.
    var tick = TimeAmount.seconds(5)
}

extension ConnectionTimeouts {
    /// Those of an operator's choice; short ones are looked at more often.
    init(_ settings: ServerSettings) {
        let times = (settings.headSeconds, settings.bodySeconds, settings.idleSeconds)
        firstHead = .seconds(Int64(times.0))
        body = .seconds(Int64(times.1))
        idle = .seconds(Int64(times.2))
        tick = min(tick, .milliseconds(Int64(min(times.0, times.1, times.2)) * 1000 / 3))
    }
}
