import Glibc
import HTTPWire
import TestKit
import Testing

@Suite("Receivers that mean harm, or are just broken")
struct HostileReceiverTests {
    private func send(
        to server: LoopbackServer, timeout: Duration = .seconds(20), limit: Int = 64 * 1024
    ) async throws -> HTTPResponse {
        try await HTTPClient(policy: .unrestricted).send(
            HTTPRequest(
                "POST", "http://127.0.0.1:\(server.port)/secret-path", body: Array("{}".utf8), timeout: timeout,
                maximumResponseBytes: limit))
    }

    /// The error that a receiver causes; fails when there is none.
    private func failure(
        timeout: Duration = .seconds(20), _ serve: @escaping @Sendable (LoopbackConnection) -> Void
    ) async throws -> HTTPError {
        try await withLoopbackServer(serve) { server in
            let error = await #expect(throws: HTTPError.self) { try await self.send(to: server, timeout: timeout) }
            return try #require(error)
        }
    }

    @Test("Chunks without end: 64 KiB are read, then the connection is closed")
    func endlessChunksAreCut() async throws {
        let (sent, done) = AsyncStream.makeStream(of: Int.self)
        try await withLoopbackServer({ connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            let chunk = "1000\r\n" + String(repeating: "x", count: 4096) + "\r\n"
            var count = 0
            while connection.write(chunk) { count += chunk.utf8.count }
            done.yield(count)
        }) { server in
            let response = try await send(to: server)
            #expect(response.status == 200)
            #expect(response.isTruncated)
            #expect(response.body.count == 64 * 1024)
            // What was written lies in the sockets' buffers; it ended, because the connection was closed.
            let count = await sent.first { _ in true }
            #expect(try #require(count) < 32 * 1024 * 1024)
        }
    }

    @Test("A body of exactly the limit is whole, one byte more is cut", arguments: [1000, 1001])
    func limitIsExact(_ size: Int) async throws {
        try await withLoopbackServer({ connection in
            connection.answerAll { _ in httpAnswer(body: String(repeating: "x", count: size)) }
        }) { server in
            let response = try await send(to: server, limit: 1000)
            #expect(response.body.count == 1000)
            #expect(response.isTruncated == (size > 1000))
        }
    }

    @Test("A content-length of 400 MB costs no memory before its bytes come")
    func announcedSizesCostNothing() async throws {
        try await withLoopbackServer({ connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\ncontent-length: 400000000\r\n\r\n")
            while connection.write(String(repeating: "x", count: 65_536)) {}
        }) { server in
            let response = try await send(to: server)
            #expect(response.isTruncated)
            #expect(response.body.count == 64 * 1024)
        }
    }

    @Test("A slow drip ends with the time limit, although bytes keep coming")
    func slowDripsTimeOut() async throws {
        let error = try await failure(timeout: .milliseconds(300)) { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
            // The drip itself.
            while connection.write("x") { usleep(10_000) }
        }
        #expect(error.code == .timeout)
    }

    @Test("A receiver that takes the request and says nothing ends with the time limit")
    func silenceTimesOut() async throws {
        let error = try await failure(timeout: .milliseconds(200)) { $0.waitForEnd() }
        #expect(error.code == .timeout)
        #expect(error.isRetriable)
        #expect(!error.description.contains("secret-path"))
    }

    @Test("Headers without end are refused after 64 KiB, many small ones and one long one")
    func endlessHeadersAreRefused() async throws {
        for field in ["x-filler: y\r\n", "x-long: " + String(repeating: "y", count: 65_536)] {
            let error = try await failure { connection in
                _ = connection.readRequest()
                connection.write("HTTP/1.1 200 OK\r\n")
                while connection.write(field) {}
            }
            #expect(error.code == .response || error.code == .connection, "\(error)")
        }
    }

    @Test("Interim responses without end are refused")
    func endlessInterimResponsesAreRefused() async throws {
        let error = try await failure { connection in
            _ = connection.readRequest()
            while connection.write("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n") {}
        }
        #expect(error.code == .response)
    }

    @Test("Trailers without end are refused")
    func endlessTrailersAreRefused() async throws {
        let error = try await failure { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x\r\n\r\n0\r\n")
            while connection.write("x: y\r\n") {}
        }
        #expect(error.code == .response)
    }

    @Test("A gzip bomb stays as small as it was sent: nothing is unpacked")
    func compressedBodiesStayCompressed() async throws {
        let packed: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3] + [UInt8](repeating: 0xED, count: 500)
        try await withLoopbackServer({ connection in
            guard let request = connection.readRequest(), request.headers["accept-encoding"] == nil else { return }
            connection.write("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: \(packed.count)\r\n\r\n")
            connection.write(packed)
        }) { server in
            let response = try await send(to: server)
            #expect(response.body == packed)
        }
    }

    @Test("A reset in the middle of the body is a lost connection, whatever the status was")
    func resetsAreConnectionErrors() async throws {
        let error = try await failure { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf")
            connection.resetAtClose()
        }
        #expect(error.code == .connection)
        #expect(error.isRetriable)
    }

    @Test("A body that ends early, and no answer at all, are lost connections")
    func earlyEndsAreConnectionErrors() async throws {
        for answer in ["HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf", "HTTP/1.1 200 OK\r\nserv", ""] {
            let error = try await failure { connection in
                _ = connection.readRequest()
                connection.write(answer)
            }
            #expect(error.code == .connection, "\(answer): \(error)")
        }
    }

    @Test(
        "What is not HTTP is refused",
        arguments: [
            "hello\r\n", "220 smtp.example ESMTP\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/9.9 200 OK\r\n\r\n",
            "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        ])
    func strangersAreRefused(_ answer: String) async throws {
        let error = try await failure { connection in
            _ = connection.readRequest()
            connection.write(answer)
            connection.waitForEnd()
        }
        #expect(error.code == .response || error.code == .connection, "\(error)")
    }

    @Test("A server that speaks no TLS is a TLS error")
    func plainServersFailTheHandshake() async throws {
        try await withLoopbackServer({ connection in
            _ = connection.read()
            connection.write("HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.waitForEnd()
        }) { server in
            let client = HTTPClient(policy: .unrestricted)
            let error = await #expect(throws: HTTPError.self) {
                try await client.send(HTTPRequest("GET", "https://127.0.0.1:\(server.port)/"))
            }
            #expect(error?.code == .tls)
        }
    }

    @Test("Nobody listening is a connection error that names the port")
    func refusedConnectionsAreReported() async throws {
        try await withRefusingPort { port in
            let client = HTTPClient(policy: .unrestricted)
            let error = await #expect(throws: HTTPError.self) {
                try await client.send(HTTPRequest("GET", "http://127.0.0.1:\(port)/"))
            }
            #expect(error?.code == .connection)
            #expect(error?.message.contains("\(port)") == true)
        }
    }
}
