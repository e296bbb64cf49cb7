import ActionModel
import EventModel
import JSONTree
import Outbound
import TestKit
import Testing

@Suite("Sending telegram actions")
struct TelegramActionTests {
    private let deliveryID = UniqueID(high: 9, low: 9)
    private let token = "123456:AAE-very_secret"
    private var action: ActionDefinition {
        get throws {
            try makeAction(
                #"""
                {"type":"telegram","config":{"bot_token":"\#(token)","chat_id":-100123,
                 "text":"<b>{{customer.name}}</b> paid {{amount}}","parse_mode":"HTML"}}
                """#)
        }
    }

    @Test("The Bot API gets the message, and nothing that is kept holds the token")
    func messagesArrive() async throws {
        let (requests, channel) = AsyncStream.makeStream(of: LoopbackRequest.self)
        try await withLoopbackServer({ connection in
            connection.answerAll { request in
                channel.yield(request)
                // A server that shows what it was asked, as a proxy's error page does.
                return httpAnswer(body: #"{"ok":true,"echo":"\#(request.line)"}"#)
            }
        }) { server in
            let sender = try makeSender(telegramPort: server.port)
            let sent = await sender.send(try action, for: try makeFiring(), deliveryID: deliveryID)
            let request = try #require(await requests.first { _ in true })
            #expect(request.line == "POST /bot\(token)/sendMessage HTTP/1.1")
            #expect(request.headers["content-type"] == "application/json")
            let body = try JSONDocument(request.body).root
            #expect(body["chat_id"]?.int64 == -100123)
            #expect(body["text"]?.string == "<b>Alice</b> paid 150")
            #expect(body["parse_mode"]?.string == "HTML")

            #expect(sent.result.verdict(.telegram) == .succeeded)
            #expect(sent.result.responseExcerpt.contains("/bot123456:••••/sendMessage"))
            #expect(sent.request?.contains("/bot123456:••••/sendMessage") == true)
            #expect(!"\(sent)".contains("very_secret"))
        }
    }

    @Test("A failure does not show the token either")
    func failuresHideTheToken() async throws {
        try await withRefusingPort { port in
            let sent = await (try makeSender(telegramPort: port)).send(
                try action, for: try makeFiring(), deliveryID: deliveryID)
            #expect(sent.result.failure == .connection)
            #expect(sent.result.error?.isEmpty == false)
            #expect(!"\(sent)".contains("very_secret"))
        }
    }

    @Test("Too many requests wait as long as the Bot API says, a blocked bot is given up")
    func refusalsAreJudged() async throws {
        for (status, body, verdict) in [
            (429, #"{"ok":false,"parameters":{"retry_after":35}}"#, DeliveryVerdict.retry(afterSeconds: 35)),
            (
                403, #"{"ok":false,"description":"Forbidden: bot was blocked"}"#,
                .dead(reason: "Forbidden: bot was blocked")
            ),
        ] {
            try await withLoopbackServer({ $0.answerAll { _ in httpAnswer(status, body: body) } }) { server in
                let sent = await (try makeSender(telegramPort: server.port)).send(
                    try action, for: try makeFiring(), deliveryID: deliveryID)
                #expect(sent.result.verdict(.telegram) == verdict)
            }
        }
    }

    @Test("The Bot API's address is judged like any other")
    func apiAddressIsJudged() async throws {
        try await withLoopbackServer({ $0.answerAll { _ in httpAnswer() } }) { server in
            let sender = try makeSender(telegramPort: server.port, allowing: [])
            let sent = await sender.send(try action, for: try makeFiring(), deliveryID: deliveryID)
            #expect(sent.result.failure == .deniedAddress)
            #expect(server.connections == 0)
        }
    }
}
