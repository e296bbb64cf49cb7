import JSONTree
import NIOCore
import NIOPosix
import Runtime
import Testing

@testable import GatewayProcess

@Suite("How long connections may take")
struct ConnectionTests {
    private static func at(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .seconds(seconds) }

    @Test func `a connection has until its deadline, and longer while it is owed an answer`() {
        var watch = ConnectionWatch(deadline: Self.at(10))
        let patience = TimeAmount.seconds(5)
        let early = watch.isOverdue(unsentBytes: 0, at: Self.at(9), patience: patience)
        let late = watch.isOverdue(unsentBytes: 0, at: Self.at(10), patience: patience)
        watch.deadline = nil
        let owed = watch.isOverdue(unsentBytes: 0, at: Self.at(1_000), patience: patience)
        #expect(!early && late && !owed)
    }

    @Test func `a client that reads may take its time, and one that does not may not`() {
        var watch = ConnectionWatch(deadline: Self.at(1))
        let patience = TimeAmount.seconds(5)
        // Ever less, for longer than its patience: the deadline is not for who still reads.
        for second in Int64(2)...20 {
            let isOverdue = watch.isOverdue(
                unsentBytes: Int(100 - second), at: Self.at(second), patience: patience)
            #expect(!isOverdue)
        }
        // More is no progress.
        let waiting = watch.isOverdue(unsentBytes: 500, at: Self.at(24), patience: patience)
        let stuck = watch.isOverdue(unsentBytes: 600, at: Self.at(25), patience: patience)
        #expect(!waiting && stuck)
    }

    @Test func `nothing outlasts the end`() {
        var watch = ConnectionWatch(deadline: nil)
        watch.end = Self.at(10)
        let patience = TimeAmount.hours(1)
        let early = watch.isOverdue(unsentBytes: 10, at: Self.at(9), patience: patience)
        let late = watch.isOverdue(unsentBytes: 9, at: Self.at(10), patience: patience)
        #expect(!early && late)
    }

    @Test func `requests whose beginning looks like the preface of HTTP/2 are answered as what they are`()
        async throws
    {
        try await withGateway { api in
            for method in ["PRI", "PRIX", "PROPFIND", "PUT", "P"] {
                let answer = try await api.raw(
                    "\(method) /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                #expect([404, 405, 400].contains(answer.status), "\(method): \(answer.text)")
            }
            // In pieces, which come one by one.
            try await KeptConnection.with(api) { connection in
                for piece in ["P", "RO", "PFIND /nowhere HTTP/1.1\r\nhost: x\r\n\r\n"] {
                    try await connection.write(piece)
                    try await Task.sleep(for: .milliseconds(20))
                }
                #expect(try await connection.answer().status == 404)
            }
        }
    }

    @Test func `a request says whom it is for, and says it once`() async throws {
        try await withGateway { api in
            for hosts in ["", "host: a\r\nhost: b\r\n", "Host: a\r\nHOST: a\r\n"] {
                let answer = try await api.raw("GET /livez HTTP/1.1\r\n\(hosts)\r\n")
                try expectProblem(answer, 400, "malformed-request")
                #expect(answer.headers["connection"] == "close")
            }
            #expect(try await api.raw("GET /livez HTTP/1.0\r\n\r\n").status == 200)
        }
    }

    /// `raw` reads until the gateway closes: each of these would wait for the end of the idle time.
    @Test func `the last request of a connection is known by its words, and nothing behind it is done`()
        async throws
    {
        try await withGateway { api in
            let head = "GET /livez HTTP/1.1\r\nhost: x\r\n"
            for request in [
                "\(head)connection: close\r\n\r\n", "\(head)Connection: CLOSE\r\n\r\n",
                "\(head)connection: keep-alive, Close\r\n\r\n", "\(head)connection: x\r\nconnection: close\r\n\r\n",
                "GET /livez HTTP/1.0\r\n\r\n", "GET /livez HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
            ] {
                let answer = try await api.raw(request)
                #expect(answer.status == 200 && answer.headers["connection"] == "close", "\(request)")
            }
            let event =
                "POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \(api.key ?? "")\r\n"
                + "content-type: application/json\r\ncontent-length: 22\r\n\r\n{\"type\":\"A\",\"data\":{}}"
            _ = try await api.raw("\(head)connection: close\r\n\r\n\(event)")
            #expect(try await api.send("GET", "/api/v1/events").json["data"]?.count == 0)
            _ = try await api.raw("\(event)\(head)connection: close\r\n\r\n")
            #expect(try await api.send("GET", "/api/v1/events").json["data"]?.count == 1)
        }
    }

    @Test func `a body whose end a proxy may see elsewhere is none`() async throws {
        try await withGateway { api in
            let head = "POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \(api.key ?? "")\r\n"
            let chunked = "16\r\n{\"type\":\"A\",\"data\":{}}\r\n0\r\n\r\n"
            for framing in [
                "transfer-encoding: identity", "transfer-encoding: xchunked", "transfer-encoding: chunked, identity",
                "transfer-encoding: chunked\r\ncontent-length: 5", "transfer-encoding : chunked",
                "transfer-encoding:\u{b}chunked", "content-length: 2\r\ncontent-length: 3", "content-length: +33",
                "content-length: 0x21", "content-length: 33, 33",
            ] {
                let answer = try await api.raw("\(head)\(framing)\r\n\r\n\(chunked)")
                #expect(answer.status == 400, "\(framing): \(answer.status) \(answer.text)")
            }
            #expect(try await api.send("GET", "/api/v1/events").json["data"]?.count == 0)
        }
    }

    /// A preface, empty settings, and `POST /` over http without the end of its stream, from the static table.
    private static let second: [UInt8] =
        Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]
        + [0, 0, 3, 1, 4, 0, 0, 0, 1, 0x83, 0x84, 0x86]

    @Test(.timeLimit(.minutes(2)))
    func `a client that never comes to an end does not hold up that of the gateway, over either version`()
        async throws
    {
        var timeouts = ConnectionTimeouts()
        timeouts.drain = .milliseconds(300)
        timeouts.lingering = .milliseconds(300)
        timeouts.tick = .milliseconds(20)
        // Nothing else would end them.
        (timeouts.firstHead, timeouts.body, timeouts.idle) = (.hours(1), .hours(1), .hours(1))
        try await withGateway(tuning: GatewayTuning(timeouts: timeouts)) { api in
            let first =
                "POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \(api.key ?? "")\r\n"
                + "content-length: 100\r\n\r\n{"
            for beginning in [Array(first.utf8), Self.second, Array("P".utf8), []] {
                let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .connect(host: "127.0.0.1", port: api.port).get()
                try await client.writeAndFlush(ByteBuffer(bytes: beginning))
            }
            // So that they are all accepted: a later one is answered.
            #expect(try await api.send("GET", "/livez").status == 200)
        }
    }

    @Test func `what one connection has open bounds what others may open`() {
        let requests = OpenRequests(maximum: 2)
        let first = requests.entered()
        let second = requests.entered()
        let third = requests.entered()
        requests.left()
        let fourth = requests.entered()
        #expect(first && second && !third && fourth)
    }
}
