import JSONTree
import Testing

@testable import ActionModel

@Suite("Telegram actions")
struct TelegramActionTests {
    private static let token = "123456:ABC-DEF_ghi"

    private func message(_ config: String, _ data: String) throws -> JSONValue {
        let action = try telegram(#"{"bot_token":"\#(Self.token)",\#(config)}"#)
        return try JSONDocument(action.request(for: try firing(data)).body).root
    }

    @Test("A message is rendered for its parse mode")
    func parseModes() throws {
        let data = #"{"x":"1 < 2 & *bold*."}"#
        let html = try message(
            #""chat_id":-100123,"text":"<b>{{x}}</b>","parse_mode":"HTML","disable_notification":true"#, data)
        #expect(
            html
                == (try json(
                    #"""
                    {"chat_id":-100123,"text":"<b>1 &lt; 2 &amp; *bold*.</b>","parse_mode":"HTML",\#
                    "disable_notification":true}
                    """#
                )))
        let markdown = try message(#""chat_id":"@channel","text":"*{{x}}*","parse_mode":"MarkdownV2""#, data)
        #expect(markdown["text"]?.string == #"*1 < 2 & \*bold\*\.*"#)
        let plain = try message(#""chat_id":"@channel","text":"{{x}}""#, data)
        #expect(plain == (try json(#"{"chat_id":"@channel","text":"1 < 2 & *bold*."}"#)))
    }

    @Test("A text over the limit loses the ends of its values, not its markup")
    func longTexts() throws {
        let long = String(repeating: "<é💶>", count: 3_000)
        let text =
            try message(
                #""chat_id":1,"text":"<b>{{x}}</b> and <i>{{y}}</i>","parse_mode":"HTML""#,
                #"{"x":"\#(long)","y":"short"}"#)["text"]?.string ?? ""
        #expect(text.utf16.count <= 4096)
        #expect(text.utf16.count > 4080)
        #expect(text.hasPrefix("<b>&lt;é💶&gt;"))
        #expect(text.hasSuffix("…</b> and <i>short</i>"))
        let quotes = String(repeating: #"\""#, count: 5_000)
        let many = String(repeating: "{{x}}", count: 200)
        let crowded = try message(#""chat_id":1,"text":"\#(many)","parse_mode":"HTML""#, #"{"x":"\#(quotes)"}"#)[
            "text"]?.string
        #expect((crowded?.utf16.count ?? .max) <= 4096)
    }

    @Test("A text of exactly the limit stays whole")
    func exactTexts() throws {
        let exact = String(repeating: "é", count: 4096)
        #expect(try message(#""chat_id":1,"text":"{{x}}""#, #"{"x":"\#(exact)"}"#)["text"]?.string == exact)
        #expect(
            try message(#""chat_id":1,"text":"{{x}}""#, #"{"x":"\#(exact)é"}"#)["text"]?.string
                == String(repeating: "é", count: 4095) + "…")
    }

    @Test("Settings are checked, all at once")
    func settings() throws {
        let found = problems {
            _ = try telegram(
                #"""
                {"bot_token":"abc","chat_id":1.5,"text":"","parse_mode":"Markdown","disable_notification":1,\#
                "txt":""}
                """#
            )
        }
        #expect(
            found.map { String($0.prefix { $0 != ":" }) } == [
                "/actions/0/config/bot_token", "/actions/0/config/chat_id", "/actions/0/config/text",
                "/actions/0/config/parse_mode", "/actions/0/config/disable_notification", "/actions/0/config/txt",
            ])
        #expect(problems { _ = try telegram("{}") }.count == 3)
        for token in ["123", "123:", ":abc", "123:a/b", "123:a?b", "12a:abc", "1:a:b", "1:a..", "1:a%2F"] {
            #expect(
                problems { _ = try telegram(#"{"bot_token":"\#(token)","chat_id":1,"text":"x"}"#) }.count == 1,
                "\(token)")
        }
        let long = String(repeating: "x", count: 4097)
        #expect(problems { _ = try telegram(#"{"bot_token":"1:a","chat_id":1,"text":"\#(long)"}"#) }.count == 1)
    }
}
