import JSONTree
import Testing

@testable import ActionModel

@Suite("MCP actions")
struct MCPActionTests {
    private func mcp(_ config: String, from previous: ActionDefinition? = nil) throws -> MCPAction {
        let read = try action(#"{"type":"mcp","config":\#(config)}"#, from: previous)
        guard case .mcp(let action) = read.config else {
            throw JSONValidationError(pointer: "", detail: "not an mcp action")
        }
        return action
    }

    @Test("An event fills in arguments, with their types, and nothing else")
    func rendering() throws {
        let action = try mcp(
            #"""
            {"server_url":"https://tools.example/mcp","tool":"open","headers":{"X-Who":"{{data.who}}"},
             "arguments":{"title":"About {{data.t}}","n":"{{data.n}}","all":"{{event}}","fixed":[1]}}
            """#)
        let call = try action.call(for: firing(#"{"t":"\"x\"","n":3,"who":"a\r\nb: c"}"#))
        let arguments = try json(text(call.arguments))
        #expect(arguments["title"]?.string == #"About "x""# && arguments["n"]?.int64 == 3)
        #expect(arguments["all"]?["type"]?.string == "PaymentProcessed" && arguments["fixed"]?.count == 1)
        #expect(call.headers.map(\.1) == ["a  b: c"] && call.url == "https://tools.example/mcp")
        let message = try json(text(MCPMessage.call(id: 4, call, deliveryID: "d-1")))
        #expect(message["method"]?.string == "tools/call" && message["id"]?.int64 == 4)
        #expect(message["params"]?["name"]?.string == "open")
        #expect(message["params"]?["_meta"]?["collider/delivery-id"]?.string == "d-1")
        let bare = try mcp(#"{"server_url":"https://tools.example/mcp","tool":"open"}"#)
        #expect(text(try bare.call(for: firing("{}")).arguments) == "{}")
    }

    @Test("Settings are checked, all at once")
    func settings() throws {
        let found = problems {
            _ = try mcp(
                #"""
                {"server_url":"https://{{data.host}}/x","tool":"a b","arguments":[],"timeout_ms":1,
                 "headers":{"Mcp-Session-Id":"1","Accept":"x","host":"y"},"emit_event_type":"","url":"x"}
                """#)
        }
        #expect(
            found.map { String($0.prefix { $0 != ":" }).replacing("/actions/0/config", with: "") } == [
                "/server_url", "/tool", "/arguments", "/headers/Mcp-Session-Id", "/headers/Accept", "/headers/host",
                "/timeout_ms", "/emit_event_type", "/url",
            ])
        for url in ["https://x.example/{{data.path}}", "https://u:p@x.example/", "ftp://x.example/", "x"] {
            #expect(problems { _ = try mcp(#"{"server_url":"\#(url)","tool":"t"}"#) }.count == 1, "\(url)")
        }
    }

    @Test("A secret header is masked, and the mask stands for it at the same server alone")
    func secrets() throws {
        func definition(_ host: String, _ value: String) -> String {
            #"{"type":"mcp","config":{"server_url":"https://\#(host)/mcp","tool":"t","headers":"#
                + #"{"Authorization":"\#(value)"},"timeout_ms":60000}}"#
        }
        let stored = try action(definition("a.example", "Bearer secret"))
        #expect(stored.written(.masked) == definition("a.example", "••••"))
        #expect(stored.written(.plain) == definition("a.example", "Bearer secret"))
        let kept = try action(definition("a.example", "••••"), from: stored)
        #expect(kept.written(.plain) == definition("a.example", "Bearer secret"))
        #expect(problems { _ = try action(definition("b.example", "••••"), from: stored) }.count == 1)
    }
}

@Suite("Reading what a tool server says")
struct MCPStreamTests {
    private static func event(_ data: String, id: String = "") -> String {
        (id.isEmpty ? "" : "id: \(id)\n") + "event: message\ndata: \(data)\n\n"
    }
    private static let reply = #"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#

    @Test("The reply is found among notifications and requests, however it is cut", arguments: [1, 5, 1_000_000])
    func events(size: Int) throws {
        let body =
            Self.event("", id: "e0") + Self.event(#"{"jsonrpc":"2.0","method":"notifications/progress"}"#, id: "e1")
            + Self.event(#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#)
            + Self.event(#"{"jsonrpc":"2.0","id":7,"method":"sampling/createMessage","params":{}}"#)
            + Self.event(#"{"jsonrpc":"2.0","id":2,"result":{}}"#) + Self.event(Self.reply, id: "e2")
        var stream = MCPStream(id: 1)
        var rest = Array(body.utf8)[...]
        var isWanted = true
        while isWanted, !rest.isEmpty {
            isWanted = stream.take(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        #expect(!isWanted && stream.lastEventID == "e2")
        #expect(stream.reply == .result(try json(#"{"content":[]}"#)))
        #expect(
            stream.requests.map { text(MCPMessage.reply(to: $0)) } == [
                #"{"jsonrpc":"2.0","id":"p","result":{}}"#,
                #"{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"Method not found"}}"#,
            ])
    }

    @Test("A reply may be JSON by itself, or an error, or go on in another stream")
    func forms() {
        var whole = MCPStream(id: 1)
        for piece in [Self.reply.prefix(9), Self.reply.dropFirst(9)] {
            let wantsMore = whole.take(Array(piece.utf8))
            #expect(wantsMore)
        }
        whole.finish()
        #expect(whole.reply != nil)
        var failed = MCPStream(id: 1)
        _ = failed.take(
            Array(Self.event(#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Unknown tool"}}"#).utf8))
        #expect(failed.reply == .error(code: -32602, message: "Unknown tool"))
        #expect(MCPReply.isPermanent(-32602) && !MCPReply.isPermanent(-32603))
        var broken = MCPStream(id: 1)
        let isBroken = broken.take(Array((Self.event("", id: "e5") + "retry: 30\n\ndata: {\"jso").utf8))
        #expect(isBroken)
        #expect(broken.lastEventID == "e5" && broken.retryMilliseconds == 30)
        broken.reconnected()
        #expect(broken.lastEventID == "e5")
        let goesOn = broken.take(Array(Self.event(Self.reply).utf8))
        #expect(!goesOn)
        var endless = MCPStream(id: 1)
        let isWanted = endless.take([UInt8](repeating: UInt8(ascii: ":"), count: MCPStream.maximumBytes + 1))
        #expect(!isWanted)
        #expect(endless.isTooLarge)
    }

    @Test("A result is read, and becomes data")
    func results() throws {
        let structured = MCPToolResult(
            try json(#"{"content":[{"type":"text","text":"{}"}],"structuredContent":{"a":1},"isError":false}"#))
        #expect(text(structured.data) == #"{"a":1}"# && !structured.isError)
        let plain = MCPToolResult(
            try json(#"{"content":[{"type":"text","text":"x"},{"type":"image","data":""},{"type":"text","text":"y"}]}"#)
        )
        #expect(plain.text == "x\ny" && text(plain.data).hasPrefix(#"{"content":[{"type":"text""#))
        #expect(MCPToolResult(try json(#"{"isError":true}"#)).errorText == "no words")
    }

    @Test("A tool's arguments and results are held against its schemas, as far as they are understood")
    func tools() throws {
        let page = MCPToolPage(
            try json(
                #"""
                {"tools":[{"name":"t","inputSchema":{"type":"object","properties":{"n":{"type":"integer"}},
                  "required":["n"]},"outputSchema":{"type":"object","required":["r"]}},
                 {"name":"odd","inputSchema":"none"},{"nameless":1}],"nextCursor":"c2"}
                """#))
        #expect(page.tools.map(\.name) == ["t", "odd"] && page.nextCursor == "c2")
        #expect(page.tools[0].problems(withArguments: Array(#"{"n":1}"#.utf8)) == [])
        #expect(page.tools[0].problems(withArguments: Array("{}".utf8)).map(\.pointer) == ["/n"])
        #expect(page.tools[0].problems(withResult: Array("{}".utf8)).map(\.pointer) == ["/r"])
        #expect(page.tools[1].problems(withArguments: Array("{}".utf8)) == [])
    }
}
