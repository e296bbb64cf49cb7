import Glibc
import HTTPWire
import Synchronization
import TestKit
import Testing

@Suite("The HTTP client")
struct HTTPClientTests {
    private func request(_ server: LoopbackServer, _ method: String = "GET", path: String = "/") -> HTTPRequest {
        HTTPRequest(method, "http://127.0.0.1:\(server.port)\(path)")
    }

    /// What a server saw of one request, and the client got.
    private func exchange(
        _ change: (inout HTTPRequest) -> Void, answer: String = httpAnswer()
    ) async throws -> (seen: LoopbackRequest, got: HTTPResponse) {
        let (requests, channel) = AsyncStream.makeStream(of: LoopbackRequest.self)
        return try await withLoopbackServer({ connection in
            connection.answerAll { request in
                channel.yield(request)
                return answer
            }
        }) { server in
            var request = request(server)
            change(&request)
            let response = try await HTTPClient(policy: .unrestricted).send(request)
            let seen = await requests.first { _ in true }
            return (try #require(seen), response)
        }
    }

    @Test("Method, path, headers and body arrive as given", arguments: ["POST", "PUT", "PATCH", "DELETE", "REPORT"])
    func requestsArriveAsGiven(_ method: String) async throws {
        let body: [UInt8] = [0, 1, 2, 255, 0] + Array("ö".utf8)
        let (seen, got) = try await exchange(
            {
                $0.method = method
                $0.url += "a%20b/c?d=e&f"
                $0.headers = [
                    ("Content-Type", "application/json"), ("x-one", "1"), ("x-empty", ""), ("user-agent", "Test/1"),
                ]
                $0.body = body
            }, answer: httpAnswer(201, headers: ["X-Reply:  spaced \t", "x-reply: second"], body: "grüß"))
        #expect(seen.line == "\(method) /a%20b/c?d=e&f HTTP/1.1")
        #expect(seen.headers["content-type"] == "application/json")
        #expect(seen.headers["x-one"] == "1")
        #expect(seen.headers["x-empty"] == "")
        #expect(seen.headers["user-agent"] == "Test/1")
        #expect(seen.headers["content-length"] == "\(body.count)")
        #expect(seen.body == body)
        #expect(got.status == 201)
        #expect(got.header("x-reply") == "spaced")
        #expect(got.headers.filter { $0.name == "x-reply" }.count == 2)
        #expect(String(decoding: got.body, as: UTF8.self) == "grüß")
        #expect(!got.isTruncated)
    }

    @Test("Nothing is sent that was not asked for")
    func nothingElseIsSent() async throws {
        let (get, _) = try await exchange { _ in }
        #expect(get.line == "GET / HTTP/1.1")
        #expect(Set(get.headers.keys) == ["host", "accept"])
        let (post, _) = try await exchange { $0.method = "POST" }
        #expect(Set(post.headers.keys) == ["host", "accept", "content-length"])
        #expect(post.headers["content-length"] == "0")
        let (delete, _) = try await exchange { $0.method = "DELETE" }
        #expect(delete.line == "DELETE / HTTP/1.1")
        #expect(Set(delete.headers.keys) == ["host", "accept"])
    }

    @Test("A body of 3 MiB arrives whole, without a question before it")
    func largeBodiesArrive() async throws {
        let body = (0..<3 * 1024 * 1024).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let (seen, _) = try await exchange {
            $0.method = "POST"
            $0.body = body
        }
        #expect(seen.body == body)
        #expect(seen.headers["expect"] == nil)
    }

    @Test("The answer to HEAD has no body, whatever its headers say")
    func headHasNoBody() async throws {
        let (seen, got) = try await exchange(
            { $0.method = "HEAD" }, answer: "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        #expect(seen.line == "HEAD / HTTP/1.1")
        #expect(got.status == 200)
        #expect(got.body.isEmpty)
    }

    @Test("An interim response is not the answer")
    func interimResponsesAreSkipped() async throws {
        let (_, got) = try await exchange(
            { _ in }, answer: "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + httpAnswer(204, headers: ["x-real: 1"])
        )
        #expect(got.status == 204)
        #expect(got.header("link") == nil)
        #expect(got.header("x-real") == "1")
    }

    @Test(
        "A request that would smuggle something is refused before it is sent",
        arguments: [
            ("GET /x", [("a", "b")]), ("GET\r\nX: y", []), ("", []), ("GET", [("a\r\nb", "c")]),
            ("GET", [("a", "b\r\nc: d")]),
            ("GET", [("a", "b\nc")]), ("GET", [("a", "b\0c")]), ("GET", [("", "x")]), ("GET", [("a b", "x")]),
            ("GET", [("a:", "x")]), ("GET", [("ä", "x")]),
        ] as [(String, [(String, String)])])
    func smugglersAreRefused(_ method: String, _ headers: [(String, String)]) async throws {
        try await withLoopbackServer({ $0.answerAll { _ in httpAnswer() } }) { server in
            var request = request(server, method)
            request.headers = headers.map { ($0.0, $0.1) }
            let error = await #expect(throws: HTTPError.self) {
                try await HTTPClient(policy: .unrestricted).send(request)
            }
            #expect(error?.code == .invalidRequest)
            #expect(server.connections == 0)
        }
    }

    @Test("Requests one after the other share a connection")
    func connectionsAreReused() async throws {
        try await withLoopbackServer({ $0.answerAll { _ in httpAnswer(body: "x") } }) { server in
            let client = HTTPClient(policy: .unrestricted)
            for _ in 0..<10 {
                let response = try await client.send(request(server))
                #expect(response.status == 200)
            }
            #expect(server.connections == 1)
        }
    }

    @Test("A hundred requests are under way at once: none is answered before all have come")
    func requestsRunConcurrently() async throws {
        let arrived = Mutex(0)
        let (all, gate) = AsyncStream.makeStream(of: Void.self)
        try await withLoopbackServer({ connection in
            guard connection.readRequest() != nil else { return }
            if arrived.withLock({
                $0 += 1; return $0 == 100
            }) {
                gate.finish()
            }
            // A thread of its own, which may block: the request waits for its answer until all have come.
            while arrived.withLock({ $0 < 100 }) { usleep(1_000) }
            connection.write(httpAnswer())
            connection.waitForEnd()
        }) { server in
            let client = HTTPClient(policy: .unrestricted)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<100 {
                    let request = request(server, path: "/\(number)")
                    group.addTask { try await client.send(request).status }
                }
                for await _ in all {}
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(statuses == Array(repeating: 200, count: 100))
        }
    }

    @Test("Cancelling the task ends the transfer, and the receiver sees it end")
    func cancellationEndsTransfers() async throws {
        let (events, channel) = AsyncStream.makeStream(of: String.self)
        try await withLoopbackServer({ connection in
            _ = connection.readRequest()
            channel.yield("arrived")
            connection.waitForEnd()
            channel.yield("ended")
        }) { server in
            let client = HTTPClient(policy: .unrestricted)
            let request = request(server)
            let task = Task { () async -> HTTPError.Code? in
                do throws(HTTPError) {
                    _ = try await client.send(request)
                    return nil
                } catch {
                    return error.code
                }
            }
            var iterator = events.makeAsyncIterator()
            let first = await iterator.next()
            #expect(first == "arrived")
            task.cancel()
            #expect(await task.value == .cancelled)
            let second = await iterator.next()
            #expect(second == "ended")
        }
    }

    @Test("A task that was cancelled before sends nothing that it would wait for")
    func cancelledTasksDoNotWait() async throws {
        try await withLoopbackServer({ $0.waitForEnd() }) { server in
            let client = HTTPClient(policy: .unrestricted)
            let request = request(server)
            let (started, gate) = AsyncStream.makeStream(of: Void.self)
            let task = Task {
                for await _ in started {}
                await #expect(throws: HTTPError(.cancelled, "the request was cancelled")) {
                    try await client.send(request)
                }
            }
            task.cancel()
            gate.finish()
            await task.value
        }
    }

    @Test("Cancelling one of many leaves the others alone")
    func cancellationIsExact() async throws {
        let (arrivals, channel) = AsyncStream.makeStream(of: String.self)
        let isOpen = Mutex(false)
        try await withLoopbackServer({ connection in
            guard let line = connection.readRequest()?.line else { return }
            channel.yield(line)
            // A thread of its own, which may block until the test lets it go on.
            while isOpen.withLock({ !$0 }) { usleep(1_000) }
            connection.write(httpAnswer())
            connection.waitForEnd()
        }) { server in
            let client = HTTPClient(policy: .unrestricted)
            let tasks = (0..<10).map { number in
                let request = request(server, path: "/\(number)")
                return Task { try await client.send(request).status }
            }
            var iterator = arrivals.makeAsyncIterator()
            for _ in tasks { _ = await iterator.next() }
            for task in tasks.prefix(5) { task.cancel() }
            for task in tasks.prefix(5) { await #expect(throws: HTTPError.self) { try await task.value } }
            isOpen.withLock { $0 = true }
            for task in tasks.suffix(5) {
                let status = try await task.value
                #expect(status == 200)
            }
        }
    }

    @Test("Over its bound the client refuses, and takes requests again when there is room")
    func boundIsKept() async throws {
        let (arrivals, channel) = AsyncStream.makeStream(of: Void.self)
        try await withLoopbackServer({ connection in
            while connection.readRequest() != nil { channel.yield() }
        }) { server in
            var settings = HTTPClient.Settings()
            settings.maximumTransfers = 2
            let client = HTTPClient(policy: .unrestricted, settings: settings)
            let request = request(server)
            let tasks = (0..<2).map { _ in Task { try await client.send(request) } }
            var iterator = arrivals.makeAsyncIterator()
            for _ in tasks { await iterator.next() }
            let error = await #expect(throws: HTTPError.self) { try await client.send(request) }
            #expect(error?.code == .overloaded)
            #expect(error?.isRetriable == true)
            for task in tasks {
                task.cancel()
                _ = await task.result
            }
            var quick = request
            quick.timeout = .milliseconds(50)
            let later = await #expect(throws: HTTPError.self) { try await client.send(quick) }
            #expect(later?.code == .timeout)
        }
    }

    @Test("Closing ends what is under way, and later requests are refused")
    func closingEndsEverything() async throws {
        let (arrivals, channel) = AsyncStream.makeStream(of: Void.self)
        try await withLoopbackServer({ connection in
            _ = connection.readRequest()
            channel.yield()
            connection.waitForEnd()
        }) { server in
            let client = HTTPClient(policy: .unrestricted)
            let request = request(server)
            let task = Task { try await client.send(request) }
            var iterator = arrivals.makeAsyncIterator()
            await iterator.next()
            client.close()
            await #expect(throws: HTTPError(.closed, "the client was closed")) { try await task.value }
            await #expect(throws: HTTPError(.closed, "the client is closed")) { try await client.send(request) }
        }
    }
}
