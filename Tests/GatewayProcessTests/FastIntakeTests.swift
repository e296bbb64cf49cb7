import EventStore
import JSONTree
import NIOCore
import NIOPosix
import Testing

@testable import GatewayProcess

/// What the connection handler answers by itself, beside what the router answers on the same connection.
@Suite("The fast intake")
struct FastIntakeTests {
    @Test func `its answer is the router's answer`() async throws {
        try await withGateway { api in
            try await known(api)
            let fast = try await KeptConnection.with(api) { try await $0.post(#"{"type":"A","data":{"n":1}}"#) }
            let routed = try await KeptConnection.with(api) {
                try await $0.post(#"{"type":"A","data":{"n":2}}"#, headers: "idempotency-key: k\r\n")
            }
            #expect(fast.status == 201 && routed.status == 201)
            #expect(Set(fast.headers.keys) == Set(routed.headers.keys))
            #expect(fast.headers["content-type"] == routed.headers["content-type"])
            #expect(fast.headers["date"]?.hasSuffix(" GMT") == true)
            #expect(fast.headers["date"]?.count == routed.headers["date"]?.count)
            let (one, other) = (try fast.json, try routed.json)
            #expect(one.members.map(\.key) == other.members.map(\.key))
            let id = try #require(one["id"]?.string)
            #expect(fast.headers["location"] == "/api/v1/events/\(id)")
            #expect(fast.headers["x-request-id"] == id, "an event stored by the router has a request id of its own")
            #expect(routed.headers["x-request-id"] != other["id"]?.string)
            #expect(try await api.send("GET", "/api/v1/events/\(id)").json["data"]?["n"]?.int64 == 1)
        }
    }

    @Test func `a repeat is 200, other content under the same id 422`() async throws {
        try await withGateway { api in
            try await known(api)
            try await KeptConnection.with(api) { connection in
                let first = try await connection.post(#"{"type":"A","id":"p1","data":{"n":1}}"#)
                let repeated = try await connection.post(#"{"type":"A","id":"p1","data":{"n":1}}"#)
                let other = try await connection.post(#"{"type":"A","id":"p1","data":{"n":2}}"#)
                #expect(first.status == 201 && repeated.status == 200)
                #expect(try repeated.json["id"]?.string == first.json["id"]?.string)
                #expect(try repeated.json["duplicate"]?.bool == true)
                try expectProblem(other, 422, "id-reused")
            }
        }
    }

    @Test(arguments: [
        (#"{"type":"A"}"#, 422, "validation-failed"), (#"{"type":"A","data":{}"#, 400, "malformed-json"),
        (#"[{"type":"A","data":{}}]"#, 200, ""), ("  {\"type\":\"A\",\"data\":{}}\n", 201, ""),
    ])
    func `what it can't store the router answers`(body: String, status: Int, kind: String) async throws {
        try await withGateway { api in
            try await known(api)
            try await KeptConnection.with(api) { connection in
                let answer = try await connection.post(body)
                #expect(answer.status == status, "\(answer.text)")
                if !kind.isEmpty { try expectProblem(answer, status, kind) }
                // The connection is still in step.
                #expect(try await connection.post(#"{"type":"A","data":{}}"#).status == 201)
            }
        }
    }

    @Test func `pipelined requests are answered in their order, whoever answers them`() async throws {
        try await withGateway { api in
            try await known(api)
            try await KeptConnection.with(api) { connection in
                let bodies = (0..<20).map { #"{"type":"T\#($0)","data":{}}"# }
                let requests = bodies.enumerated().map { index, body in
                    index % 4 == 3
                        ? connection.request("GET", "/livez", nil)
                        : connection.request("POST", "/api/v1/events", index % 5 == 4 ? "[\(body)]" : body)
                }
                try await connection.write(requests.joined())
                for index in 0..<20 {
                    let answer = try await connection.answer()
                    if index % 4 == 3 {
                        #expect(answer.status == 200 && answer.headers["location"] == nil)
                    } else if index % 5 == 4 {
                        #expect(try answer.json["accepted"]?.int64 == 1)
                    } else {
                        #expect(try answer.json["type"]?.string == "T\(index)")
                    }
                }
            }
        }
    }

    @Test func `a request in pieces is one request`() async throws {
        try await withGateway { api in
            try await known(api)
            try await KeptConnection.with(api) { connection in
                let request = Array(connection.request("POST", "/api/v1/events", #"{"type":"A","data":{"n":7}}"#).utf8)
                for start in stride(from: 0, to: request.count, by: 23) {
                    let piece = request[start..<min(start + 23, request.count)]
                    try await connection.write(String(decoding: piece, as: UTF8.self))
                    // The pieces are to come in packets of their own.
                    try await Task.sleep(for: .milliseconds(2))
                }
                #expect(try await connection.answer().status == 201)
            }
        }
    }

    @Test func `a client that has closed its side still gets the answer`() async throws {
        try await withGateway { api in
            try await known(api)
            try await KeptConnection.with(api) { connection in
                try await connection.write(connection.request("POST", "/api/v1/events", #"{"type":"A","data":{}}"#))
                connection.closeOutput()
                #expect(try await connection.answer().status == 201)
                #expect(try await connection.isClosed())
            }
        }
    }

    @Test func `what follows an event and is no HTTP is refused after its answer`() async throws {
        try await withGateway { api in
            try await known(api)
            try await KeptConnection.with(api) { connection in
                let request = connection.request("POST", "/api/v1/events", #"{"type":"A","data":{}}"#)
                try await connection.write(request + "nonsense\r\n\r\n")
                #expect(try await connection.answer().status == 201)
                #expect(try await connection.answer().status == 400)
                #expect(try await connection.isClosed())
            }
        }
    }

    @Test func `a connection without a head, or with half a body, is closed`() async throws {
        var timeouts = ConnectionTimeouts()
        timeouts.firstHead = .milliseconds(200)
        timeouts.body = .milliseconds(200)
        timeouts.tick = .milliseconds(20)
        try await withGateway(tuning: GatewayTuning(timeouts: timeouts)) { api in
            try await known(api)
            let isClosed = try await KeptConnection.with(api) { try await $0.isClosed() }
            #expect(isClosed)
            try await KeptConnection.with(api) { connection in
                try await connection.write("POST /api/v1/events HTTP/1.1\r\nhost: x\r\n")
                #expect(try await connection.isClosed())
            }
            try await KeptConnection.with(api) { connection in
                let request = connection.request("POST", "/api/v1/events", #"{"type":"A","data":{}}"#)
                try await connection.write(String(request.dropLast(3)))
                #expect(try await connection.isClosed())
            }
        }
    }

    /// The fast intake knows only keys that somebody has asked for.
    private func known(_ api: HTTPExchange) async throws {
        #expect(try await api.send("GET", "/api/v1/events?limit=1").status == 200)
    }
}
