import ActionModel
import EventModel
import JSONTree
import Outbound
import Runtime
import Synchronization
import TestKit
import Testing

@Suite("Calling a tool")
struct MCPActionTests {
    private static let config = #"""
        "tool":"add","arguments":{"n":"{{data.amount}}"},"headers":{"authorization":"Bearer tool-secret"}
        """#

    /// What a fake server does beside the usual.
    private struct Behaviour: Sendable {
        var isStreaming = true
        var revision = "2025-11-25"
        var tools = #"{"name":"add","inputSchema":{"type":"object","properties":{"n":{"type":"integer"}}}}"#
        /// The reply to a call, by its number from 0; its member `result` or `error`.
        var reply: @Sendable (Int) -> String = { _ in
            #""result":{"content":[{"type":"text","text":"3"}],"structuredContent":{"sum":3}}"#
        }
        /// Breaks the stream off before the reply to a call.
        var breaksOff = false
        /// Forgets the session before a call of this number.
        var forgetsAt: Int?
    }

    /// Speaks the protocol, and holds us to it.
    private final class Server: Sendable {
        private struct State {
            var methods: [String] = []
            var calls = 0
            var session = 0
            var flaws: [String] = []
        }
        let behaviour: Behaviour
        private let state = Mutex(State())

        init(_ behaviour: Behaviour) {
            self.behaviour = behaviour
        }

        var methods: [String] { state.withLock { $0.methods } }
        var flaws: [String] { state.withLock { $0.flaws } }

        func answer(_ request: LoopbackRequest) -> String {
            state.withLock { state in answer(request, &state) }
        }

        private func answer(_ request: LoopbackRequest, _ state: inout State) -> String {
            let http = String(request.line.prefix { $0 != " " })
            let message = request.body.isEmpty ? nil : try? JSONDocument(request.body).root
            let method = message?["method"]?.string ?? (message?["id"] == nil ? http : "reply")
            state.methods.append(method)
            let accepts = request.headers["accept"] ?? ""
            if !accepts.contains("text/event-stream") { state.flaws.append("\(method) accepts \(accepts)") }
            if request.headers["authorization"] != "Bearer tool-secret" { state.flaws.append("\(method) has no key") }
            guard method != "initialize" else {
                state.session += 1
                return reply(
                    message, #""result":{"protocolVersion":"\#(behaviour.revision)","capabilities":{}}"#,
                    [
                        "Mcp-Session-Id: s-\(state.session)"
                    ])
            }
            if behaviour.forgetsAt == state.calls, method == "tools/call", state.session == 1 {
                return httpAnswer(404)
            }
            if request.headers["mcp-session-id"] != "s-\(state.session)" { state.flaws.append("\(method): session") }
            if request.headers["mcp-protocol-version"] != behaviour.revision {
                state.flaws.append("\(method): version")
            }
            switch method {
            case "tools/list":
                let isFirst = message?["params"]?["cursor"] == nil
                return reply(
                    message,
                    isFirst
                        ? #""result":{"tools":[{"name":"x"}],"nextCursor":"2"}"#
                        : #""result":{"tools":["#
                            + behaviour.tools + "]}")
            case "tools/call":
                defer { state.calls += 1 }
                if behaviour.breaksOff {
                    return httpAnswer(
                        headers: ["content-type: text/event-stream"], body: "retry: 10\nid: e-1\ndata:\n\n")
                }
                return reply(message, behaviour.reply(state.calls))
            case "GET":
                if request.headers["last-event-id"] != "e-1" { state.flaws.append("resumed elsewhere") }
                return httpAnswer(
                    headers: ["content-type: text/event-stream"],
                    body: "data: {\"jsonrpc\":\"2.0\",\"id\":1,\(behaviour.reply(0))}\n\n")
            default:
                return httpAnswer(202)
            }
        }

        private func reply(_ message: JSONValue?, _ member: String, _ headers: [String] = []) -> String {
            let id = message?["id"]?.description ?? "null"
            let body = #"{"jsonrpc":"2.0","id":\#(id),\#(member)}"#
            guard behaviour.isStreaming else {
                return httpAnswer(headers: headers + ["content-type: application/json"], body: body)
            }
            // Before there is a session nobody can be pinged in it.
            let ping = member.contains("protocolVersion") ? "" : #"data: {"jsonrpc":"2.0","id":"p1","method":"ping"}"#
            return httpAnswer(
                headers: headers + ["content-type: text/event-stream"],
                body: "id: e-0\ndata:\n\n\(ping)\n\nevent: message\ndata: \(body)\n\n")
        }
    }

    private func withServer(
        _ behaviour: Behaviour = Behaviour(), _ body: (ActionSender, Server, Int) async throws -> Void
    ) async throws {
        let server = Server(behaviour)
        try await withLoopbackServer({ connection in
            connection.answerAll { server.answer($0) }
        }) { try await body(try makeSender(), server, $0.port) }
    }

    private func call(
        _ sender: ActionSender, _ port: Int, _ members: String = "", data: String = #"{"amount":1}"#
    ) async throws -> SentAttempt {
        let config = #"{"server_url":"http://127.0.0.1:\#(port)/mcp",\#(Self.config)\#(members)}"#
        return await sender.send(
            try makeAction(#"{"type":"mcp","config":\#(config)}"#), for: try makeFiring(data: data),
            deliveryID: .generate())
    }

    private static let opening = ["initialize", "notifications/initialized", "tools/list", "tools/list"]

    @Test("A session is begun, used again, and its requests are answered", arguments: [true, false])
    func session(isStreaming: Bool) async throws {
        var behaviour = Behaviour()
        behaviour.isStreaming = isStreaming
        try await withServer(behaviour) { sender, server, port in
            let sent = try await call(sender, port, #","emit_event_type":"Added""#)
            #expect(sent.result.verdict(.mcp) == .succeeded, "\(sent)")
            #expect(sent.event.map { String(decoding: $0.data, as: UTF8.self) } == #"{"sum":3}"#)
            #expect(!"\(sent)".contains("tool-secret"))
            let again = try await call(sender, port)
            #expect(again.result.verdict(.mcp) == .succeeded)
            #expect(server.methods.filter { $0 != "reply" } == Self.opening + ["tools/call", "tools/call"])
            // The server asked for signs of life in its streams.
            #expect(server.methods.contains("reply") == isStreaming)
            #expect(server.flaws == [])
        }
    }

    @Test("A session that is gone is begun anew, and the call is made once")
    func expiry() async throws {
        var behaviour = Behaviour()
        behaviour.isStreaming = false
        behaviour.forgetsAt = 1
        try await withServer(behaviour) { sender, server, port in
            let first = try await call(sender, port)
            #expect(first.result.verdict(.mcp) == .succeeded)
            let again = try await call(sender, port)
            #expect(again.result.verdict(.mcp) == .succeeded)
            #expect(server.methods == Self.opening + ["tools/call", "tools/call"] + Self.opening + ["tools/call"])
        }
    }

    @Test("A stream that breaks off is resumed after its last event")
    func resumption() async throws {
        var behaviour = Behaviour()
        behaviour.isStreaming = false
        behaviour.breaksOff = true
        try await withServer(behaviour) { sender, server, port in
            let again = try await call(sender, port)
            #expect(again.result.verdict(.mcp) == .succeeded)
            #expect(server.methods == Self.opening + ["tools/call", "GET"] && server.flaws == [])
        }
    }

    @Test("Nothing is called that the server does not have, or that does not fit it")
    func misfits() async throws {
        try await withServer { sender, server, port in
            let wrong = try await call(sender, port, data: #"{"amount":"much"}"#)
            #expect(wrong.result.failure == .invalidRequest)
            #expect(wrong.result.error?.contains("/n: must be of type integer") == true)
            #expect(!server.methods.contains("tools/call"))
        }
        var behaviour = Behaviour()
        behaviour.tools = #"{"name":"subtract"}"#
        try await withServer(behaviour) { sender, _, port in
            let absent = try await call(sender, port)
            #expect(absent.result.error == "the server has no tool add; it has x, subtract")
        }
        behaviour.revision = "2024-11-05"
        try await withServer(behaviour) { sender, server, port in
            let old = try await call(sender, port)
            #expect(old.result.failure == .invalidRequest && old.result.error?.contains("2024-11-05") == true)
            #expect(server.methods.count { $0 != "reply" } == 1)
        }
    }

    @Test("Errors are judged by their kind")
    func errors() async throws {
        for (reply, failure, words) in [
            (
                #""result":{"content":[{"type":"text","text":"no paper"}],"isError":true}"#,
                AttemptResult.Failure.toolError, "no paper"
            ),
            (#""error":{"code":-32602,"message":"Unknown tool"}"#, .unusableAnswer, "Unknown tool"),
            (#""error":{"code":-32603,"message":"Internal"}"#, .response, "Internal"),
        ] {
            var behaviour = Behaviour()
            behaviour.reply = { _ in reply }
            try await withServer(behaviour) { sender, _, port in
                let sent = try await call(sender, port)
                #expect(sent.result.failure == failure && sent.result.error?.contains(words) == true, "\(sent)")
            }
        }
        try await withLoopbackServer({ $0.answerAll { _ in httpAnswer(401, body: "not tool-secret") } }) { server in
            let sent = try await call(try makeSender(), server.port)
            #expect(sent.result.verdict(.mcp) == .dead(reason: "the receiver answered 401"))
            #expect(sent.result.responseExcerpt == "not ••••")
        }
        try await withLoopbackServer({ $0.answerAll { _ in httpAnswer(body: "{}") } }) { server in
            let sent = try await call(try makeSender(), server.port)
            #expect(sent.result.failure == .response && sent.result.verdict(.mcp) == .retry(afterSeconds: nil))
        }
    }

    @Test("A server's address is judged like any other")
    func addresses() async throws {
        try await withLoopbackServer({ $0.answerAll { _ in httpAnswer() } }) { server in
            let sent = try await call(try makeSender(allowing: []), server.port)
            #expect(sent.result.failure == .deniedAddress && server.connections == 0)
        }
    }
}
