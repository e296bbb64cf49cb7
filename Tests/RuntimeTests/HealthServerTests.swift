import CoreMetrics
import Logging
import NIOCore
import NIOPosix
import Runtime
import ServiceLifecycle
import Testing

@Suite("Health server")
struct HealthServerTests {
    @Test func `livez, readyz and metrics answer`() async throws {
        let metrics = PrometheusMetrics()
        Counter(label: "seen", factory: metrics).increment()
        let endpoints = HealthEndpoints(checks: [ReadinessCheck("database") { .ready("connected") }], metrics: metrics)
        try await withHealthServer(endpoints) { port in
            let live = try await exchange(port, "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
            #expect(live.hasPrefix("HTTP/1.1 200 OK\r\n") && live.hasSuffix("{\"status\":\"alive\"}"))
            let ready = try await exchange(port, "GET /readyz?verbose HTTP/1.1\r\nhost: x\r\n\r\n")
            #expect(ready.hasPrefix("HTTP/1.1 200 "))
            #expect(ready.hasSuffix(#"[{"name":"database","state":"ready","detail":"connected"}]}"#))
            let text = try await exchange(port, "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
            #expect(text.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"))
            #expect(text.contains("\r\n\r\n# HELP ") && text.contains("seen_total 1\n"))
        }
    }

    @Test func `one failing check makes 503 and says which`() async throws {
        let checks = [
            ReadinessCheck("database") { .ready() }, ReadinessCheck("redis") { .failing("connection refused") },
        ]
        try await withHealthServer(HealthEndpoints(checks: checks, metrics: PrometheusMetrics())) { port in
            let ready = try await exchange(port, "GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n")
            #expect(ready.hasPrefix("HTTP/1.1 503 "))
            #expect(ready.contains(#""status":"not_ready""#))
            #expect(ready.contains(#"{"name":"redis","state":"failing","detail":"connection refused"}"#))
        }
    }

    @Test func `a check that hangs fails after its time`() async {
        let check = ReadinessCheck("slow", timeout: .milliseconds(20)) {
            try? await Task.sleep(for: .seconds(3600))
            return .ready()
        }
        #expect(await check.state() == .failing("no answer within 0.02 seconds"))
    }

    @Test func `other paths and methods are refused, and HEAD has no body`() async throws {
        try await withHealthServer(HealthEndpoints(checks: [], metrics: PrometheusMetrics())) { port in
            #expect(try await exchange(port, "GET /x HTTP/1.1\r\nhost: x\r\n\r\n").hasPrefix("HTTP/1.1 404 "))
            let post = try await exchange(port, "POST /livez HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
            #expect(post.hasPrefix("HTTP/1.1 405 ") && post.contains("allow: GET, HEAD\r\n"))
            #expect(try await exchange(port, "HEAD /livez HTTP/1.1\r\nhost: x\r\n\r\n").hasSuffix("\r\n\r\n"))
        }
    }

    @Test func `a port in use is one clear line`() async throws {
        let endpoints = HealthEndpoints(checks: [], metrics: PrometheusMetrics())
        try await withHealthServer(endpoints) { port in
            let second = HealthServer(
                port: port, portKey: "WRITER_METRICS_PORT", endpoints: endpoints, logger: Logger(label: "test"))
            let error = await #expect(throws: ListenError.self) { try await second.run() }
            #expect(error?.description == "port \(port) on 127.0.0.1 is in use; set WRITER_METRICS_PORT")
        }
    }

    private func withHealthServer(
        _ endpoints: HealthEndpoints, _ body: @Sendable (Int) async throws -> Void
    ) async throws {
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        let server = HealthServer(
            port: 0, portKey: "PORT", endpoints: endpoints, logger: Logger(label: "test"),
            onListening: { continuation.yield($0) })
        let group = ServiceGroup(services: [server], logger: Logger(label: "test"))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            try await body(port)
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    /// Sends the text and reads until the server closes.
    private func exchange(_ port: Int, _ request: String) async throws -> String {
        let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await client.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: request))
            var answer = ""
            for try await part in inbound { answer += String(buffer: part) }
            return answer
        }
    }
}
