import EventModel
import Testing

@testable import ActionModel

@Suite("Verdicts")
struct VerdictTests {
    private func verdict(_ status: Int, _ kind: ActionKind, body: String = "", after: Int? = nil) -> DeliveryVerdict {
        AttemptResult(statusCode: status, body: Array(body.utf8), retryAfterSeconds: after, durationMicroseconds: 1)
            .verdict(kind)
    }

    @Test("2xx is success for all", arguments: ActionKind.allCases)
    func success(kind: ActionKind) {
        for status in [200, 201, 204, 299] { #expect(verdict(status, kind) == .succeeded) }
    }

    @Test(
        "Redirects, 5xx and the passing 4xx are tried again", arguments: ActionKind.allCases.filter { $0 != .email })
    func passing(kind: ActionKind) {
        for status in [301, 302, 408, 409, 425, 429, 500, 502, 503, 599] {
            #expect(verdict(status, kind, after: 7) == .retry(afterSeconds: 7))
        }
    }

    @Test("A webhook's other 4xx are tried again, and 410 disables it")
    func restRefusals() {
        for status in [400, 401, 403, 404, 422] { #expect(verdict(status, .rest) == .retry(afterSeconds: nil)) }
        #expect(verdict(410, .rest) == .disable(reason: "the receiver answered 410 Gone"))
    }

    @Test("Telegram's refusals are final, in its own words")
    func telegramRefusals() {
        let body = #"{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}"#
        #expect(verdict(400, .telegram, body: body) == .dead(reason: "Bad Request: chat not found"))
        #expect(verdict(403, .telegram, body: "<html>") == .dead(reason: "Telegram answered 403"))
        #expect(verdict(410, .telegram) == .dead(reason: "Telegram answered 410"))
        #expect(verdict(404, .llm) == .dead(reason: "the receiver answered 404"))
    }

    @Test("A group that became a supergroup names its successor")
    func telegramMigration() {
        let body =
            #"{"ok":false,"description":"Bad Request: group chat was upgraded to a supergroup chat","#
            + #""parameters":{"migrate_to_chat_id":-1001234}}"#
        #expect(
            verdict(400, .telegram, body: body)
                == .dead(
                    reason: "Bad Request: group chat was upgraded to a supergroup chat; its chat_id is now -1001234"))
    }

    @Test("Slack's refusals are final, in its own words, and disable nothing")
    func slackRefusals() {
        #expect(
            verdict(404, .slack, body: "channel_not_found") == .dead(reason: "Slack answered 404: channel_not_found"))
        #expect(
            verdict(410, .slack, body: "channel_is_archived\n")
                == .dead(reason: "Slack answered 410: channel_is_archived"))
        #expect(verdict(400, .slack) == .dead(reason: "Slack answered 400"))
    }

    @Test("A mail server's 4yz is tried again, and its 5yz is final")
    func mailReplies() {
        for reply in [421, 450, 451, 452, 454] { #expect(verdict(reply, .email) == .retry(afterSeconds: nil)) }
        #expect(
            verdict(550, .email, body: "550 5.1.1 No such user\n")
                == .dead(reason: "the mail server answered 550: 550 5.1.1 No such user"))
        for reply in [500, 501, 530, 535, 552, 554, 571] {
            #expect(verdict(reply, .email) == .dead(reason: "the mail server answered \(reply)"))
        }
        // A dialogue that ended in the middle.
        for reply in [0, 354] { #expect(verdict(reply, .email) == .retry(afterSeconds: nil)) }
    }

    @Test("Telegram says in the body how long to wait")
    func telegramFlood() {
        let body = #"{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":35}}"#
        #expect(verdict(429, .telegram, body: body, after: 3) == .retry(afterSeconds: 35))
        #expect(verdict(429, .telegram, body: "", after: 3) == .retry(afterSeconds: 3))
    }

    @Test("No answer is tried again, unless nothing can be sent at all")
    func failures() {
        for failure in AttemptResult.Failure.allCases {
            let result = AttemptResult(failure: failure, error: "words", durationMicroseconds: 1)
            #expect(result.verdict(.rest) == (failure.isPermanent ? .dead(reason: "words") : .retry(afterSeconds: nil)))
        }
    }

    @Test("An excerpt is bounded text that PostgreSQL takes")
    func excerpts() {
        let bytes = [UInt8]("a\u{0}b".utf8) + [0xFF] + [UInt8](repeating: 0x78, count: 20_000)
        let excerpt = AttemptResult(statusCode: 200, body: bytes, durationMicroseconds: 1).responseExcerpt
        #expect(excerpt.hasPrefix("a b\u{FFFD}x"))
        #expect(excerpt.unicodeScalars.count == AttemptResult.excerptLimit)
    }

    @Test("Base64 is canonical or nothing")
    func base64() {
        #expect(Base64.decode("") == [])
        #expect(Base64.decode("Zg==") == Array("f".utf8))
        #expect(Base64.decode("Zm8=") == Array("fo".utf8))
        #expect(Base64.decode("Zm9vYmFy") == Array("foobar".utf8))
        #expect(Base64.decode("+/+/") == [0xFB, 0xFF, 0xBF])
        for text in ["Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zm9v\n", "Zm 9", "-_-_", "Zg==Zg=="] {
            #expect(Base64.decode(text) == nil, "\(text)")
        }
    }
}
