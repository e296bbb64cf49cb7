import ActionModel
import EventModel
import JSONTree
import Outbound
import Synchronization
import TestKit
import Testing

@Suite("Messages in parts, and within their receivers' limits")
struct MessageTests {
    private let deliveryID = UniqueID(high: 9, low: 9)

    private func action(_ text: String) throws -> ActionDefinition {
        try makeAction(
            #"{"type":"telegram","config":{"bot_token":"77:AAE-very_secret","chat_id":"@Chat","text":"\#(text)"}}"#)
    }

    /// What a delivery's row knows.
    private final class Row: Sendable {
        let parts = Mutex(0)
        let isOurs: Bool

        init(parts: Int = 0, isOurs: Bool = true) {
            self.parts.withLock { $0 = parts }
            self.isOurs = isOurs
        }

        var progress: MessageProgress {
            MessageProgress(partsSent: parts.withLock { $0 }, isReturning: false) { count in
                self.parts.withLock { $0 = count }
                return self.isOurs
            }
        }
    }

    /// Sends a message of five parts to a Bot API that fails at those texts' first sight that the set holds.
    private func send(
        row: Row, failing: [Int: Int], limiter: ReceiverLimiter? = nil
    ) async throws -> (sent: SentAttempt, seen: [String]) {
        let seen = Mutex<[String]>([])
        let text = (0..<5).map { "part\($0)" + String(repeating: " word", count: 800) }.joined(separator: "\n\n")
        let definition = try action(text.replacing("\n", with: "\\n"))
        return try await withLoopbackServer({ connection in
            connection.answerAll { request in
                let text = (try? JSONDocument(request.body).root["text"]?.string) ?? ""
                let number = Int(text.dropFirst(4).prefix(1)) ?? -1
                seen.withLock { $0.append("part\(number)") }
                return httpAnswer(failing[number] ?? 200, body: #"{"ok":true}"#)
            }
        }) { server in
            let sender = try ActionSender(
                allowing: ["127.0.0.0/8"], telegramAPIBase: "http://127.0.0.1:\(server.port)", limiter: limiter,
                logger: testLogger)
            let sent = await sender.send(
                definition, for: try makeFiring(), deliveryID: deliveryID, progress: row.progress)
            return (sent, seen.withLock { $0 })
        }
    }

    @Test("Each part is sent once, also when one fails and the delivery is tried again")
    func parts() async throws {
        let row = Row()
        let first = try await send(row: row, failing: [2: 502])
        #expect(first.seen == ["part0", "part1", "part2"])
        #expect(first.sent.result.verdict(.telegram) == .retry(afterSeconds: nil))
        #expect(first.sent.request?.hasPrefix("part 3 of 5\nPOST ") == true)
        #expect(row.parts.withLock { $0 } == 2)
        let second = try await send(row: row, failing: [:])
        #expect(second.seen == ["part2", "part3", "part4"])
        #expect(second.sent.result.verdict(.telegram) == .succeeded)
    }

    @Test("A delivery of which every part was noted is done by its last, and one that is not ours goes no further")
    func edges() async throws {
        #expect(try await send(row: Row(parts: 5), failing: [:]).seen == ["part4"])
        #expect(try await send(row: Row(isOurs: false), failing: [:]).seen == ["part0"])
    }

    @Test("A message that its chat does not take now is put off, and the next attempt goes on")
    func limits() async throws {
        let asked = Mutex<[String]>([])
        let limiter = ReceiverLimiter(
            ask: { limit, receiver, isReturning in
                asked.withLock { $0.append("\(receiver) \(limit) \(isReturning)") }
                return asked.withLock { $0.count } > 4 ? .comeBack(after: 7_000_000) : .go(after: 1_000)
            }, hold: { _, _, _ in Issue.record("nobody said how long") })
        let row = Row()
        let (sent, seen) = try await send(row: row, failing: [:], limiter: limiter)
        #expect(seen == ["part0", "part1"] && row.parts.withLock { $0 } == 2)
        #expect(sent.putOff == ReceiverLimit(for: .seconds(7), reason: "Telegram takes 1 messages a second in a chat"))
        #expect(
            asked.withLock { $0 } == [
                "telegram:77:@chat 1 per 1s false", "telegram:77 30 per 1s false", "telegram:77:@chat 1 per 1s true",
                "telegram:77 30 per 1s true", "telegram:77:@chat 1 per 1s true",
            ])
    }

    @Test("When Telegram says how long to wait, all messages to the chat do")
    func holds() async throws {
        let held = Mutex<[String]>([])
        let limiter = ReceiverLimiter(
            ask: { _, _, _ in .go(after: 0) },
            hold: { _, receiver, wait in held.withLock { $0.append("\(receiver) \(wait)") } })
        let answer = #"{"ok":false,"error_code":429,"parameters":{"retry_after":35}}"#
        let definition = try action("x")
        try await withLoopbackServer({ $0.answerAll { _ in httpAnswer(429, body: answer) } }) { server in
            let sender = try ActionSender(
                allowing: ["127.0.0.0/8"], telegramAPIBase: "http://127.0.0.1:\(server.port)", limiter: limiter,
                logger: testLogger)
            let sent = await sender.send(definition, for: try makeFiring(), deliveryID: deliveryID)
            #expect(sent.result.verdict(.telegram) == .retry(afterSeconds: 35))
        }
        #expect(held.withLock { $0 } == ["telegram:77:@chat 35000000"])
    }

    @Test("A value that is missing ends the delivery before anything is sent, and says which")
    func missing() async throws {
        let sender = try makeSender()
        let sent = await sender.send(try action("Hello {{data.name}}"), for: try makeFiring(), deliveryID: deliveryID)
        #expect(
            sent.result.verdict(.telegram)
                == .dead(reason: "{{data.name}} is missing, and its placeholder has no default"))
        #expect(sent.request == nil)
    }

    @Test("Slack gets the message, and its address is kept out of what is kept")
    func slack() async throws {
        for (status, answer, verdict) in [
            (200, "ok", DeliveryVerdict.succeeded),
            (404, "channel_not_found", .dead(reason: "Slack answered 404: channel_not_found")),
            (500, "rollup_error /services/T/B/s3cret", .retry(afterSeconds: nil)),
        ] {
            let (requests, channel) = AsyncStream.makeStream(of: LoopbackRequest.self)
            try await withLoopbackServer({ connection in
                connection.answerAll { request in
                    channel.yield(request)
                    return httpAnswer(status, body: answer)
                }
            }) { server in
                let action = try makeAction(
                    #"""
                    {"type":"slack","config":{"webhook_url":"http://127.0.0.1:\#(server.port)/services/T/B/s3cret",
                     "text":"{{customer.name}} <3"}}
                    """#)
                let sent = await (try makeSender()).send(action, for: try makeFiring(), deliveryID: deliveryID)
                #expect(sent.result.verdict(.slack) == verdict)
                let request = try #require(await requests.first { _ in true })
                #expect(request.line == "POST /services/T/B/s3cret HTTP/1.1")
                #expect(String(decoding: request.body, as: UTF8.self) == #"{"text":"Alice <3"}"#)
                #expect(!"\(sent)".contains("s3cret"))
            }
        }
    }

    @Test("A mail server's reply decides, and the password is kept out of what is kept")
    func email() async throws {
        for (replies, verdict) in [
            ([:], DeliveryVerdict.succeeded), (["RCPT": "450 4.2.0 greylisted"], .retry(afterSeconds: nil)),
            (["RCPT": "550 5.1.1 no such user"], .dead(reason: "the mail server answered 550: 550 5.1.1 no such user")),
        ] {
            let log = LoopbackMailLog()
            try await withLoopbackServer({ $0.serveMail(log, replies: replies) }) { server in
                let action = try makeAction(
                    #"""
                    {"type":"email","config":{"host":"127.0.0.1","port":\#(server.port),"tls":"none",
                     "from":"Shop <shop@example.com>","to":["{{customer.name}}@example.org"],
                     "subject":"Paid {{amount}}","text":"Dear {{customer.name}}"}}
                    """#)
                let sent = await (try makeSender()).send(action, for: try makeFiring(), deliveryID: deliveryID)
                #expect(sent.result.verdict(.email) == verdict)
                #expect(
                    sent.request?.hasPrefix("SMTP smtp://127.0.0.1:\(server.port)\nMAIL FROM:<shop@example.com>")
                        == true)
                #expect(log.messages.allSatisfy { $0.contains("Message-ID: <\(deliveryID)@example.com>") })
                #expect(sent.result.details.address == "127.0.0.1")
            }
        }
        let action = try makeAction(
            #"""
            {"type":"email","config":{"host":"127.0.0.1","port":9,"username":"u","password":"s3cret-password",
             "from":"a@example.com","to":["a@example.org"],"subject":"s","text":"t"}}
            """#)
        let refused = await (try makeSender()).send(action, for: try makeFiring(), deliveryID: deliveryID)
        #expect(refused.result.failure == .connection && !"\(refused)".contains("s3cret"))
        let denied = await (try makeSender(allowing: [])).send(action, for: try makeFiring(), deliveryID: deliveryID)
        #expect(denied.result.failure == .deniedAddress)
    }
}
