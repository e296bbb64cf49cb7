import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle

/// Serves ``HealthEndpoints`` of a process that has no HTTP server of its own.
///
/// It listens on the loopback address and is small on purpose: one request a connection, no request body, at most
/// 64 connections, each at most ten seconds old.
public struct HealthServer: Service {
    private typealias Connection = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>

    private static let maximumConnections = 64
    private static let maximumAge = TimeAmount.seconds(10)

    private let host: String
    private let port: Int
    private let portKey: String
    private let endpoints: HealthEndpoints
    private let logger: Logger
    private let onListening: @Sendable (Int) -> Void

    /// Creates a server.
    ///
    /// - Parameters:
    ///   - port: TCP port; 0 lets the system choose.
    ///   - portKey: Name of the environment variable that sets the port, for the message when it is taken.
    ///   - onListening: Is told the port once connections are accepted.
    public init(
        host: String = "127.0.0.1", port: Int, portKey: String, endpoints: HealthEndpoints, logger: Logger,
        onListening: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.host = host
        self.port = port
        self.portKey = portKey
        self.endpoints = endpoints
        self.logger = logger
        self.onListening = onListening
    }

    /// Serves until graceful shutdown.
    ///
    /// - Throws: ``ListenError`` when the port can't be had.
    public func run() async throws {
        let listener = try await listen()
        onListening(listener.channel.localAddress?.port ?? port)
        logger.debug("health.listening", metadata: ["health.port": "\(port)"])
        try await withGracefulShutdownHandler {
            try await serve(listener)
        } onGracefulShutdown: {
            listener.channel.close(promise: nil)
        }
    }

    private func listen() async throws -> NIOAsyncChannel<Connection, Never> {
        do {
            return try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .serverChannelOption(.backlog, value: 16)
                .bind(host: host, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                        channel.eventLoop.scheduleTask(in: Self.maximumAge) { channel.close(promise: nil) }
                        return try Connection(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw ListenError.explaining(error, host: host, port: port, key: portKey)
        }
    }

    private func serve(_ listener: NIOAsyncChannel<Connection, Never>) async throws {
        try await listener.executeThenClose { connections in
            try await withThrowingTaskGroup(of: Void.self) { group in
                var open = 0
                for try await connection in connections {
                    if open == Self.maximumConnections {
                        try await group.next()
                        open -= 1
                    }
                    open += 1
                    group.addTask { await answer(connection) }
                }
            }
        }
    }

    private func answer(_ connection: Connection) async {
        // A peer that goes away in the middle is its own affair.
        try? await connection.executeThenClose { inbound, outbound in
            for try await part in inbound {
                guard case .head(let head) = part else { continue }
                let (status, answer) = await answer(head)
                var headers = HTTPHeaders([
                    ("content-type", answer.contentType), ("content-length", "\(answer.body.count)"),
                    ("connection", "close"),
                ])
                if status == .methodNotAllowed { headers.add(name: "allow", value: "GET, HEAD") }
                let response = HTTPResponseHead(version: head.version, status: status, headers: headers)
                try await outbound.write(.head(response))
                if head.method != .HEAD { try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))) }
                try await outbound.write(.end(nil))
                break
            }
        }
    }

    private func answer(_ head: HTTPRequestHead) async -> (HTTPResponseStatus, HealthEndpoints.Answer) {
        let plain = { (status: Int, text: String) in
            HealthEndpoints.Answer(status: status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
        }
        guard head.method == .GET || head.method == .HEAD else {
            return (.methodNotAllowed, plain(405, "only GET and HEAD\n"))
        }
        let path = String(head.uri.prefix { $0 != "?" })
        guard let answer = await endpoints.answer(path: path) else {
            return (.notFound, plain(404, "only /livez, /readyz and /metrics\n"))
        }
        return (HTTPResponseStatus(statusCode: answer.status), answer)
    }
}
