import HTTPWire
import TestKit
import Testing

@Suite("Streamed responses")
struct StreamedResponseTests {
    @Test func `a body is handed over while it is still being sent, however long it gets`() async throws {
        let (pieces, piece) = AsyncStream<String>.makeStream()
        try await withLoopbackServer({ connection in
            _ = connection.readRequest()
            _ = connection.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
            connection.waitForEnd()
        }) { server in
            let request = HTTPRequest("GET", "http://127.0.0.1:\(server.port)/", maximumResponseBytes: 1)
            let client = HTTPClient(policy: .unrestricted)
            let transfer = Task {
                try await client.stream(request) { piece.yield(String(decoding: $0, as: UTF8.self)) }
            }
            // Received although the response has not ended, and would never.
            #expect(await pieces.first { _ in true } == "one")
            transfer.cancel()
            await #expect(throws: HTTPError.self) { try await transfer.value }
        }
    }

    @Test func `a stream that ends gives its head, and a refusal is a response like any other`() async throws {
        let (pieces, piece) = AsyncStream<String>.makeStream()
        try await withLoopbackServer({ connection in
            connection.answerAll { request in
                let status = request.line.contains("/refused") ? "400 Bad Request" : "200 OK"
                return "HTTP/1.1 \(status)\r\ncontent-length: 3\r\n\r\nwhy"
            }
        }) { server in
            let client = HTTPClient(policy: .unrestricted)
            for (path, status, body) in [("refused", 400, "why"), ("taken", 200, "")] {
                let request = HTTPRequest("GET", "http://127.0.0.1:\(server.port)/\(path)")
                let response = try await client.stream(request) { piece.yield(String(decoding: $0, as: UTF8.self)) }
                #expect(response.status == status)
                #expect(String(decoding: response.body, as: UTF8.self) == body)
            }
        }
        piece.finish()
        var received = ""
        for await text in pieces { received += text }
        #expect(received == "why")
    }

    @Test func `a body is read for as long as more is wanted, and its head is known then`() async throws {
        try await withLoopbackServer({ connection in
            _ = connection.readRequest()
            _ = connection.write("HTTP/1.1 200 OK\r\nx-mark: here\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
            connection.waitForEnd()
        }) { server in
            let client = HTTPClient(policy: .unrestricted)
            // The response has not ended, and would never.
            let response = try await client.read(HTTPRequest("GET", "http://127.0.0.1:\(server.port)/")) { _ in false }
            #expect(response.status == 200 && response.header("x-mark") == "here" && response.isTruncated)
        }
    }
}
