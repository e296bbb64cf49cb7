import NIOCore
import NIOPosix

/// A connection that stays open for several requests, as those of real clients do.
final class KeptConnection {
    private let api: HTTPExchange
    private let channel: any Channel
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private var received = ""

    private init(
        _ api: HTTPExchange, _ client: NIOAsyncChannel<ByteBuffer, ByteBuffer>,
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.api = api
        channel = client.channel
        self.inbound = inbound.makeAsyncIterator()
        self.outbound = outbound
    }

    static func with<R>(_ api: HTTPExchange, _ body: (KeptConnection) async throws -> R) async throws -> R {
        let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: api.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
        return try await client.executeThenClose { inbound, outbound in
            try await body(KeptConnection(api, client, inbound, outbound))
        }
    }

    func request(_ method: String, _ path: String, _ body: String?, headers: String = "") -> String {
        var head =
            "\(method) \(path) HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer \(api.key ?? "")\r\n\(headers)"
        if let body { head += "content-type: application/json\r\ncontent-length: \(body.utf8.count)\r\n" }
        return head + "\r\n" + (body ?? "")
    }

    func post(_ body: String, headers: String = "") async throws -> HTTPExchange.Answer {
        try await write(request("POST", "/api/v1/events", body, headers: headers))
        return try await answer()
    }

    func write(_ text: String) async throws {
        try await outbound.write(ByteBuffer(string: text))
    }

    func closeOutput() {
        outbound.finish()
    }

    /// The next answer, which must say its length.
    func answer() async throws -> HTTPExchange.Answer {
        while true {
            if let end = received.utf8.firstRange(of: Array("\r\n\r\n".utf8)) {
                let head = String(received[..<end.upperBound])
                let length = try HTTPExchange.parse(Array(head.utf8)).headers["content-length"].flatMap { Int($0) } ?? 0
                let rest = received.utf8[end.upperBound...]
                if rest.count >= length {
                    let body = String(decoding: rest.prefix(length), as: UTF8.self)
                    received = String(decoding: rest.dropFirst(length), as: UTF8.self)
                    return try HTTPExchange.parse(Array((head + body).utf8))
                }
            }
            guard let part = try await inbound.next(isolation: #isolation) else {
                throw HTTPExchange.Unparsable(text: received)
            }
            received += String(buffer: part)
        }
    }

    /// Waits for the end of the connection; false when something else comes first.
    func isClosed() async throws -> Bool {
        guard received.isEmpty else { return false }
        do {
            return try await inbound.next(isolation: #isolation) == nil
        } catch {
            return true
        }
    }
}
