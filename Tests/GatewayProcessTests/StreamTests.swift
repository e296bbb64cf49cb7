import EventStore
import JSONTree
import NIOHTTP1
import Testing

@testable import GatewayProcess

@Suite("Streams of events")
struct StreamTests {
    @discardableResult
    private func post(_ api: HTTPExchange, _ number: Int, _ members: String = #""type":"Count""#) async throws -> String
    {
        let answer = try await api.send("POST", "/api/v1/events", #"{\#(members),"data":{"n":\#(number)}}"#)
        #expect(answer.status == 201, "\(answer.text)")
        return try #require(try answer.json["id"]?.string)
    }

    @Test func `a stream gives the stored event of each event behind its beginning`() async throws {
        try await withGateway { api in
            let before = try await post(api, 0)
            try await StreamClient.withStream(api) { stream in
                #expect(stream.status == 200)
                #expect(stream.headers.first(name: "content-type") == "text/event-stream")
                #expect(stream.headers.first(name: "cache-control") == "no-store")
                // Whoever is cut off before the first event goes on behind the newest of before.
                let beginning = try await stream.block()
                #expect(beginning?.lines == ["retry: 2000", "id: \(before)"])
                let id = try await post(api, 1)
                let event = try #require(try await stream.block())
                #expect(event.lines.count == 2 && event.field("id") == id)
                let stored = try await api.send("GET", "/api/v1/events/\(id)").text
                #expect(event.field("data") == stored)
                try await post(api, 2)
                try await stream.expectNumbers([2])
            }
        }
    }

    @Test func `a stream goes on behind the event of Last-Event-ID`() async throws {
        try await withGateway { api in
            var ids: [String] = []
            for number in 0..<5 { ids.append(try await post(api, number)) }
            try await StreamClient.withStream(api, headers: [("last-event-id", ids[1])]) { stream in
                try await stream.expectNumbers([2, 3, 4])
                try await post(api, 5)
                try await stream.expectNumbers([5])
            }
            try await StreamClient.withStream(api, "?last_event_id=\(ids[3])") { stream in
                try await stream.expectNumbers([4, 5])
            }
            // As a browser reconnects to the URL that it began with.
            try await StreamClient.withStream(
                api, "?last_event_id=\(ids[0])", headers: [("last-event-id", ids[4])]
            ) { stream in
                try await stream.expectNumbers([5])
            }
            for id in ["nonsense", "00000000-0000-7000-8000-000000000000"] {
                try expectProblem(
                    try await api.send("GET", "/api/v1/events/stream", headers: [("last-event-id", id)]), 400,
                    "invalid-parameter")
            }
        }
    }

    @Test func `filters let through what they say, live and from the log`() async throws {
        try await withGateway { api in
            let condition = #"{"field":"data.n","operator":"gt","value":3}"#
            let encoded = condition.utf8.map { "%" + String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            let cases: [(query: String, numbers: [Int64])] = [
                ("type=A", [1, 4]), ("subject=s", [2, 4]), ("source=o", [3, 4]), ("filter=\(encoded)", [4, 5, 99]),
                ("type=A&subject=s&source=o&filter=\(encoded)", [4]), ("type=None", []),
            ]
            let first = try await post(api, 0, #""type":"Z""#)
            try await withThrowingTaskGroup(of: Void.self) { group in
                let (opened, opening) = AsyncStream<Void>.makeStream()
                for (query, numbers) in cases {
                    group.addTask {
                        try await StreamClient.withStream(api, "?\(query)") { stream in
                            opening.yield()
                            try await stream.expectNumbers(numbers)
                        }
                    }
                }
                var iterator = opened.makeAsyncIterator()
                for _ in cases { await iterator.next() }
                try await post(api, 1, #""type":"A""#)
                try await post(api, 2, #""type":"B","subject":"s""#)
                try await post(api, 3, #""type":"B","source":"o""#)
                try await post(api, 4, #""type":"A","subject":"s","source":"o""#)
                try await post(api, 5, #""type":"B""#)
                try await post(api, 99, #""type":"Last""#)
                try await group.waitForAll()
            }
            for (query, numbers) in cases {
                try await StreamClient.withStream(api, "?\(query)", headers: [("last-event-id", first)]) { stream in
                    try await stream.expectNumbers(numbers)
                }
            }
            try expectProblem(
                try await api.send("GET", "/api/v1/events/stream?typo=A"), 400, "invalid-parameter")
            try expectProblem(
                try await api.send("GET", "/api/v1/events/stream?filter=%7B%7D"), 400, "invalid-parameter")
        }
    }

    @Test func `one organization hears nothing of another, nor goes on behind its events`() async throws {
        try await withTwoOrganizations { one, other in
            try await StreamClient.withStream(one) { mine in
                try await StreamClient.withStream(other) { theirs in
                    let id = try await post(one, 1)
                    try await post(other, 2)
                    try await post(one, 3)
                    try await mine.expectNumbers([1, 3])
                    try await theirs.expectNumbers([2])
                    try expectProblem(
                        try await other.send("GET", "/api/v1/events/stream?last_event_id=\(id)"), 400,
                        "invalid-parameter")
                }
            }
        }
        try await withGateway(scopes: [.eventsWrite]) { api in
            try expectProblem(try await api.send("GET", "/api/v1/events/stream"), 403, "missing-scope")
        }
    }

    @Test func `a silent stream shows that it is alive, and how far a filter has looked`() async throws {
        var times = StreamTimes()
        times.heartbeat = .milliseconds(50)
        try await withGateway(tuning: GatewayTuning(streamTimes: times)) { api in
            try await StreamClient.withStream(api, "?type=None") { stream in
                let isAlive = try await stream.expect(": heartbeat\n")
                #expect(isAlive)
                let id = try await post(api, 1)
                let isTold = try await stream.expect("id: \(id)\n\n")
                #expect(isTold)
            }
        }
    }

    @Test func `300 listeners get all of 200 events, in order`() async throws {
        try await withGateway { api in
            try await withThrowingTaskGroup(of: [Int64].self) { group in
                let (opened, opening) = AsyncStream<Void>.makeStream()
                for _ in 0..<300 {
                    group.addTask {
                        try await StreamClient.withStream(api) { stream in
                            opening.yield()
                            return try await stream.numbers(200)
                        }
                    }
                }
                var iterator = opened.makeAsyncIterator()
                for _ in 0..<300 { await iterator.next() }
                for start in stride(from: 0, to: 200, by: 20) {
                    let events = (start..<start + 20).map { #"{"type":"Count","data":{"n":\#($0)}}"# }
                    let answer = try await api.send("POST", "/api/v1/events", "[\(events.joined(separator: ","))]")
                    #expect(answer.status < 300, "\(answer.text)")
                }
                for try await numbers in group { #expect(numbers == Array(0..<200)) }
            }
        }
    }

    @Test func `a listener that does not read is hung up on, and the others hear everything`() async throws {
        var limits = LiveTailLimits()
        limits.patience = .milliseconds(300)
        try await withGateway(tuning: GatewayTuning(streamLimits: limits)) { api in
            try await StreamClient.withStream(api) { idle in
                let large = String(repeating: "x", count: 500_000)
                try await StreamClient.withStream(api) { reader in
                    // More than the buffers of two sockets hold.
                    for number in 0..<60 {
                        let event = #"{"type":"Large","data":{"n":\#(number),"text":"\#(large)"}}"#
                        let answer = try await api.send("POST", "/api/v1/events", event)
                        #expect(answer.status == 201)
                        try await reader.expectNumbers([Int64(number)])
                    }
                }
                // What the sockets held is read; then the connection is closed.
                var count = 0
                do {
                    while let event = try await idle.event(), event.field("event") == nil { count += 1 }
                } catch {}
                #expect(count < 60)
            }
            var isCounted = false
            while !isCounted {
                isCounted = try await api.send("GET", "/metrics").text.contains(#"{reason="slow_reader"} 1"#)
            }
        }
    }

    @Test func `a stopping gateway ends its streams, which say so`() async throws {
        let (ended, ending) = AsyncStream<String?>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            let (opened, opening) = AsyncStream<Void>.makeStream()
            try await withGateway { api in
                let streams = Task {
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for _ in 0..<3 {
                            group.addTask {
                                try await StreamClient.withStream(api) { stream in
                                    opening.yield()
                                    ending.yield(try await stream.event()?.field("data"))
                                }
                            }
                        }
                        try await group.waitForAll()
                    }
                    ending.finish()
                }
                _ = streams
                var iterator = opened.makeAsyncIterator()
                for _ in 0..<3 { await iterator.next() }
            }
            try await group.waitForAll()
        }
        var reasons: [String] = []
        for await data in ended { reasons.append(try JSONDocument(data ?? "null").root["reason"]?.string ?? "") }
        #expect(reasons == ["shutdown", "shutdown", "shutdown"])
    }

    @Test func `more streams than the limit are refused, until one is closed`() async throws {
        var limits = LiveTailLimits()
        limits.subscriptionsPerOrganization = 1
        try await withGateway(tuning: GatewayTuning(streamLimits: limits)) { api in
            try await StreamClient.withStream(api) { stream in
                let refused = try await api.send("GET", "/api/v1/events/stream")
                try expectProblem(refused, 503, "overloaded")
                #expect(refused.headers["retry-after"] == "5")
                #expect(try await api.send("HEAD", "/api/v1/events/stream").status == 200)
                _ = stream
            }
            var status = 503
            while status == 503 {
                status = try await StreamClient.withStream(api) { $0.status }
            }
            #expect(status == 200)
        }
    }
}
