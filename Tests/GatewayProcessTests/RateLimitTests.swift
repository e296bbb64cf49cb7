import EventModel
import JSONTree
import Runtime
import Testing

@testable import GatewayProcess

@Suite("Rates of requests")
struct RateLimitTests {
    private static var tuning: GatewayTuning {
        var tuning = GatewayTuning()
        tuning.quotaPrefix = "test:\(UniqueID.generate()):"
        return tuning
    }

    @Test func `a key is told what is left, and refused when nothing is`() async throws {
        let limit: @Sendable (inout ServerSettings) -> Void = {
            $0.limits.read = RateSettings(count: 3, seconds: 3_600)
        }
        try await withGateway(tuning: Self.tuning, server: limit) { api in
            for left in [2, 1, 0] {
                let answer = try await api.send("GET", "/api/v1/triggers")
                #expect(answer.status == 200 && answer.headers["ratelimit-limit"] == "3")
                #expect(answer.headers["ratelimit-remaining"] == "\(left)")
                #expect(answer.headers["ratelimit-reset"].flatMap { Int($0) } ?? 0 > 0)
            }
            let refused = try await api.send("GET", "/api/v1/events")
            try expectProblem(refused, 429, "rate-limited")
            let wait = refused.headers["retry-after"].flatMap { Int($0) } ?? 0
            #expect((1...1_200).contains(wait) && refused.headers["ratelimit-remaining"] == "0")
            // Another class, and what is open to everybody, have no part in it.
            #expect(try await api.send("POST", "/api/v1/triggers", #"{"name":"A"}"#).status == 201)
            #expect(try await api.send("GET", "/health").status == 200)
        }
    }

    @Test func `routes that ask only who calls have a rate too, and what is refused is counted by its class`()
        async throws
    {
        let limit: @Sendable (inout ServerSettings) -> Void = {
            $0.limits.read = RateSettings(count: 2, seconds: 3_600)
            $0.limits.write = RateSettings(count: 1, seconds: 3_600)
        }
        try await withGateway(tuning: Self.tuning, server: limit) { api in
            let first = try await api.send("GET", "/api/v1/auth/me")
            #expect(first.status == 200 && first.headers["ratelimit-remaining"] == "1")
            let second = try await api.send("GET", "/api/v1/organizations")
            #expect(second.status == 200 && second.headers["ratelimit-remaining"] == "0")
            try expectProblem(try await api.send("GET", "/api/v1/auth/me"), 429, "rate-limited")
            // A key may make no organization; that it asked counts.
            try expectProblem(try await api.send("POST", "/api/v1/organizations", #"{"name":"B"}"#), 403, "forbidden")
            let refused = try await api.send("POST", "/api/v1/organizations", #"{"name":"B"}"#)
            try expectProblem(refused, 429, "rate-limited")
            #expect(refused.headers["retry-after"] != nil && refused.headers["ratelimit-limit"] == "1")
            // Nobody has no share of anybody's rate.
            let nobody = HTTPExchange(port: api.port, key: nil)
            try expectProblem(try await nobody.send("GET", "/api/v1/auth/me"), 401, "unauthenticated")
            let metrics = try await api.send("GET", "/metrics").text
            #expect(metrics.contains(#"gateway_rate_limited_total{class="read"} 1"#), "\(metrics)")
            #expect(metrics.contains(#"gateway_rate_limited_total{class="write"} 1"#))
            #expect(metrics.contains(#"gateway_rate_limited_total{class="login"} 0"#))
        }
    }

    @Test func `the fast intake keeps to the rate too`() async throws {
        let limit: @Sendable (inout ServerSettings) -> Void = {
            $0.limits.ingest = RateSettings(count: 100, seconds: 3_600)
        }
        try await withGateway(tuning: Self.tuning, server: limit) { api in
            let statuses = try await KeptConnection.with(api) { connection in
                var statuses: [Int: Int] = [:]
                for _ in 0..<110 {
                    let answer = try await connection.post(#"{"type":"A","data":{}}"#)
                    statuses[answer.status, default: 0] += 1
                    // A body that is not read ends the connection.
                    if answer.status == 429 { break }
                }
                return statuses
            }
            let stored = statuses[201] ?? 0
            // What was left of leases that ran out is lost.
            #expect((50...100).contains(stored) && statuses[429] == 1, "\(statuses)")
        }
    }
}
