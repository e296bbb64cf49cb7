import ActionModel
import EventModel
import JSONTree
import Outbound
import TestKit
import Testing

@Suite("Sending rest actions")
struct RestActionTests {
    private let deliveryID = UniqueID(high: 0x0192_0000_0000_7000, low: 0x8000_0000_0000_0001)
    private let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    /// Sends an action whose URL is a server's, and returns what both sides saw.
    private func exchange(
        _ members: String = "", path: String = "/hook", answer: String = httpAnswer(), attempts: Int = 1
    ) async throws -> (seen: [LoopbackRequest], sent: SentAttempt) {
        let (requests, channel) = AsyncStream.makeStream(of: LoopbackRequest.self)
        return try await withLoopbackServer({ connection in
            connection.answerAll { request in
                channel.yield(request)
                return answer
            }
        }) { server in
            let action = try makeAction(
                #"{"type":"rest","config":{"url":"http://127.0.0.1:\#(server.port)\#(path)"\#(members)}}"#)
            let sender = try makeSender()
            var sent: SentAttempt?
            for _ in 0..<attempts { sent = await sender.send(action, for: try makeFiring(), deliveryID: deliveryID) }
            channel.finish()
            return (await requests.reduce(into: []) { $0.append($1) }, try #require(sent))
        }
    }

    @Test("A webhook gets the payload, signed, and from us")
    func webhooksAreSigned() async throws {
        let (seen, sent) = try await exchange(#","signing_secret":"\#(secret)""#, answer: httpAnswer(body: "thanks"))
        let request = try #require(seen.first)
        #expect(request.line == "POST /hook HTTP/1.1")
        #expect(request.headers["content-type"] == "application/json")
        #expect(request.headers["user-agent"]?.hasPrefix("Collider/") == true)
        #expect(request.headers["webhook-id"] == deliveryID.description)
        let timestamp = try #require(request.headers["webhook-timestamp"].flatMap { Int64($0) })
        #expect(timestamp > 1_700_000_000)
        let expected = StandardWebhooks.signature(
            id: deliveryID.description, timestamp: timestamp, body: request.body, secret: secret)
        #expect(request.headers["webhook-signature"] == expected)
        let payload = try JSONDocument(request.body).root
        #expect(payload["type"]?.string == "trigger.fired")
        #expect(payload["data"]?["event"]?["data"]?["amount"]?.int64 == 150)

        #expect(sent.result.statusCode == 200)
        #expect(sent.result.responseExcerpt == "thanks")
        #expect(sent.result.verdict(.rest) == .succeeded)
        #expect(sent.result.durationMicroseconds > 0)
        let excerpt = try #require(sent.request)
        #expect(excerpt.contains("POST http://127.0.0.1:"))
        #expect(excerpt.contains("webhook-id: \(deliveryID)"))
        #expect(excerpt.contains("trigger.fired"))
        #expect(!excerpt.contains(secret))
    }

    @Test("While a secret changes, each request is signed with both")
    func severalSecrets() async throws {
        let old = "whsec_AfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        let key = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
        let (seen, sent) = try await exchange(#","signing_secrets":["\#(secret)","\#(old)","\#(key)"]"#)
        let request = try #require(seen.first)
        let timestamp = try #require(request.headers["webhook-timestamp"].flatMap { Int64($0) })
        let signatures = try #require(request.headers["webhook-signature"]).split(separator: " ").map(String.init)
        let expected = [secret, old].map {
            StandardWebhooks.signature(
                id: deliveryID.description, timestamp: timestamp, body: request.body, secret: $0)
        }
        #expect(signatures.count == 3 && signatures.prefix(2).map { $0 as String? } == expected)
        #expect(signatures[2].hasPrefix("v1a,"))
        for secret in [secret, old, key] { #expect(!"\(sent)".contains(secret)) }
    }

    @Test("An attempt keeps method, URL, headers, address and times, and no credential, not even one that comes back")
    func detailsAreKept() async throws {
        let members = #"""
            ,"signing_secret":"\#(secret)","headers":{"Authorization":"Bearer top-secret","X-Plain":"seen"},
            "body":"top-secret {{amount}}"
            """#
        let echo = httpAnswer(
            500, headers: ["x-echo: Bearer top-secret", "set-cookie: session=abc", "retry-after: 3"],
            body: "you sent top-secret and \(secret) and hunter2hunter2")
        let (seen, sent) = try await exchange(members, path: "/hook?api_key=hunter2hunter2&page=2", answer: echo)
        #expect(seen.first?.line == "POST /hook?api_key=hunter2hunter2&page=2 HTTP/1.1")
        #expect(seen.first?.headers["authorization"] == "Bearer top-secret")
        let details = sent.result.details
        #expect(details.method == "POST" && details.url?.hasSuffix("/hook?api_key=••••&page=2") == true)
        let request = Dictionary(uniqueKeysWithValues: details.requestHeaders.map { ($0.name, $0.value) })
        #expect(request["authorization"] == "••••" && request["x-plain"] == "seen")
        #expect(request["webhook-id"] == deliveryID.description && request["webhook-signature"] != nil)
        let response = Dictionary(uniqueKeysWithValues: details.responseHeaders.map { ($0.name, $0.value) })
        #expect(response["x-echo"] == "••••" && response["set-cookie"] == "••••" && response["retry-after"] == "3")
        #expect(details.address == "127.0.0.1")
        let timings = try #require(details.timings)
        #expect(timings.total > 0 && timings.connect != nil && timings.firstByte != nil && timings.tls == nil)
        for secret in ["top-secret", secret, "hunter2"] {
            #expect(!"\(sent)".contains(secret), "\(secret)")
        }
    }

    @Test("A request that found no answer keeps how far it came")
    func failuresAreTraced() async throws {
        try await withLoopbackServer({ $0.waitForEnd() }) { server in
            let action = try makeAction(
                #"{"type":"rest","config":{"url":"http://127.0.0.1:\#(server.port)/","timeout_ms":150}}"#)
            let result = await (try makeSender()).send(action, for: try makeFiring(), deliveryID: deliveryID).result
            let timings = try #require(result.details.timings)
            #expect(timings.connect != nil && timings.firstByte == nil && timings.total >= 100_000)
            #expect(result.details.url == "http://127.0.0.1:\(server.port)/" && result.health != .healthy)
        }
    }

    @Test("Every attempt of a delivery has the same id")
    func attemptsShareTheirID() async throws {
        let (seen, _) = try await exchange(answer: httpAnswer(500), attempts: 3)
        #expect(seen.map { $0.headers["webhook-id"] } == Array(repeating: deliveryID.description, count: 3))
    }

    @Test("Without a secret there is an id and no signature")
    func unsignedWebhooksHaveAnID() async throws {
        let request = try #require(try await exchange().seen.first)
        #expect(request.headers["webhook-id"] == deliveryID.description)
        #expect(request.headers["webhook-signature"] == nil)
    }

    @Test("Method, headers and body are the action's, and its credentials are not in what is kept")
    func actionsAreFollowed() async throws {
        let (seen, sent) = try await exchange(
            #"""
            ,"method":"PUT","headers":{"Authorization":"Bearer top-secret","User-Agent":"Mine"},
            "body":{"sum":"{{amount}}","who":"{{customer.name}}"}
            """#)
        let request = try #require(seen.first)
        #expect(request.line == "PUT /hook HTTP/1.1")
        #expect(request.headers["authorization"] == "Bearer top-secret")
        #expect(request.headers["user-agent"] == "Mine")
        #expect(String(decoding: request.body, as: UTF8.self) == #"{"sum":150,"who":"Alice"}"#)
        #expect(sent.request?.contains("top-secret") == false)
    }

    @Test("A GET has neither body nor content type")
    func getsHaveNoBody() async throws {
        let (seen, sent) = try await exchange(#","method":"GET""#, path: "/q?name={{customer.name}}")
        let request = try #require(seen.first)
        #expect(request.line == "GET /q?name=Alice HTTP/1.1")
        #expect(request.body.isEmpty)
        #expect(request.headers["content-type"] == nil)
        #expect(sent.result.statusCode == 200)
    }

    @Test("The verdict follows the status", arguments: [(204, true), (302, false), (404, false), (500, false)])
    func statusesAreJudged(_ status: Int, _ isSuccess: Bool) async throws {
        let result = try await exchange(answer: httpAnswer(status)).sent.result
        #expect(result.statusCode == status)
        #expect(result.verdict(.rest) == (isSuccess ? .succeeded : .retry(afterSeconds: nil)))
    }

    @Test("410 disables, 429 waits as long as it is told")
    func specialStatusesAreJudged() async throws {
        let gone = try await exchange(answer: httpAnswer(410)).sent.result
        guard case .disable = gone.verdict(.rest) else { return #expect(Bool(false), "\(gone.verdict(.rest))") }
        let busy = try await exchange(answer: httpAnswer(429, headers: ["Retry-After: 17"])).sent.result
        #expect(busy.verdict(.rest) == .retry(afterSeconds: 17))
    }

    @Test("16 KiB of an answer are kept, as valid text without NUL")
    func excerptsAreBounded() async throws {
        let long = try await exchange(answer: httpAnswer(body: String(repeating: "ö", count: 60_000))).sent.result
        #expect(long.statusCode == 200)
        #expect(long.responseExcerpt.utf8.count <= AttemptResult.excerptLimit + 2)
        let odd = try await exchange(answer: httpAnswer(body: "a\0b")).sent.result
        #expect(odd.responseExcerpt == "a b")
    }

    @Test("A denied address is given up, without a socket and without a second try")
    func deniedAddressesAreGivenUp() async throws {
        try await withLoopbackServer({ $0.answerAll { _ in httpAnswer() } }) { server in
            let action = try makeAction(#"{"type":"rest","config":{"url":"http://localhost:\#(server.port)/"}}"#)
            let sender = try makeSender(allowing: [])
            let result = await sender.send(action, for: try makeFiring(), deliveryID: deliveryID).result
            #expect(result.failure == .deniedAddress)
            guard case .dead = result.verdict(.rest) else { return #expect(Bool(false), "\(result.verdict(.rest))") }
            #expect(server.connections == 0)
        }
    }

    @Test("Nobody listening, and an answer that breaks off, are tried again")
    func lostConnectionsAreRetried() async throws {
        try await withRefusingPort { port in
            let action = try makeAction(#"{"type":"rest","config":{"url":"http://127.0.0.1:\#(port)/"}}"#)
            let refused = await (try makeSender()).send(action, for: try makeFiring(), deliveryID: deliveryID).result
            #expect(refused.failure == .connection)
            #expect(refused.verdict(.rest) == .retry(afterSeconds: nil))
            try await withLoopbackServer({ connection in
                _ = connection.readRequest()
                connection.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n1234")
            }) { server in
                let action = try makeAction(#"{"type":"rest","config":{"url":"http://127.0.0.1:\#(server.port)/"}}"#)
                let broken = await (try makeSender()).send(action, for: try makeFiring(), deliveryID: deliveryID).result
                #expect(broken.failure == .connection)
                #expect(broken.verdict(.rest) == .retry(afterSeconds: nil))
            }
        }
    }

    @Test("Time over is tried again")
    func timeoutsAreRetried() async throws {
        try await withLoopbackServer({ $0.waitForEnd() }) { server in
            let action = try makeAction(
                #"{"type":"rest","config":{"url":"http://127.0.0.1:\#(server.port)/","timeout_ms":100}}"#)
            let sender = try makeSender()
            let result = await sender.send(action, for: try makeFiring(), deliveryID: deliveryID).result
            #expect(result.failure == .timeout)
            #expect(result.verdict(.rest) == .retry(afterSeconds: nil))
        }
    }

    @Test("A block that is none stops the start and is named", arguments: ["10.0.0.1/8", "everything", "10.0.0.0/40"])
    func invalidBlocksAreNamed(_ block: String) {
        let error = #expect(throws: OutboundError.self) { try makeSender(allowing: ["10.0.0.0/8", block]) }
        #expect(error?.code == .addressBlock)
        #expect(error?.message.contains("\"\(block)\"") == true)
    }
}
