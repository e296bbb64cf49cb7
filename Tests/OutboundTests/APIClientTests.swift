import Outbound
import TestKit
import Testing

@Suite("The command line's client of the API")
struct APIClientTests {
    @Test("Key, path, body and content type arrive, and the answer comes back whole")
    func requestsArrive() async throws {
        let (requests, channel) = AsyncStream.makeStream(of: LoopbackRequest.self)
        try await withLoopbackServer({ connection in
            connection.answerAll { request in
                channel.yield(request)
                return httpAnswer(201, headers: ["X-Kind: test"], body: String(repeating: "y", count: 200_000))
            }
        }) { server in
            let answer = try await APIClient.withClient(baseURL: "http://127.0.0.1:\(server.port)/", apiKey: "ck_key") {
                try await $0.send("POST", "/api/v1/events?limit=5", body: Array("{}".utf8))
            }
            #expect(answer.status == 201)
            #expect(answer.body.count == 200_000)
            #expect(answer.headers.contains { $0.name == "x-kind" && $0.value == "test" })
            let request = try #require(await requests.first { _ in true })
            #expect(request.line == "POST /api/v1/events?limit=5 HTTP/1.1")
            #expect(request.headers["authorization"] == "Bearer ck_key")
            #expect(request.headers["content-type"] == "application/json")
            #expect(request.headers["user-agent"]?.hasPrefix("Collider/") == true)
            #expect(request.body == Array("{}".utf8))
        }
    }

    @Test("A refusal is an answer like any other", arguments: [400, 401, 404, 500, 503])
    func refusalsAreAnswers(_ status: Int) async throws {
        try await withLoopbackServer({ $0.answerAll { _ in httpAnswer(status, body: "why") } }) { server in
            let answer = try await APIClient.withClient(baseURL: "http://127.0.0.1:\(server.port)", apiKey: "ck_key") {
                try await $0.send("GET", "/api/v1/events")
            }
            #expect(answer.status == status)
            #expect(answer.body == Array("why".utf8))
        }
    }

    @Test("A gateway that is not there is named, and the key is not")
    func absentGatewaysAreNamed() async throws {
        try await withRefusingPort { port in
            let error = await #expect(throws: OutboundError.self) {
                try await APIClient.withClient(baseURL: "http://127.0.0.1:\(port)", apiKey: "ck_key") {
                    try await $0.send("GET", "/")
                }
            }
            #expect(error?.code == .unreachable)
            #expect(error?.description.contains("can't reach the gateway at http://127.0.0.1:\(port)") == true)
            #expect(error?.description.contains("ck_key") == false)
        }
    }

    @Test("An address that is none is an invalid request", arguments: ["nonsense://x", "", "http://user:pw@127.0.0.1"])
    func invalidAddressesAreRefused(_ base: String) async throws {
        let error = await #expect(throws: OutboundError.self) {
            try await APIClient.withClient(baseURL: base, apiKey: "ck_key") { try await $0.send("GET", "/") }
        }
        #expect(error?.code == .invalidRequest)
    }
}
