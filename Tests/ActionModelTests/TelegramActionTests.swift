import JSONTree
import Testing

@testable import ActionModel

@Suite("Telegram actions")
struct TelegramActionTests {
    private static let token = "123456:ABC-DEF_ghi"

    private func message(_ config: String, _ data: String) throws -> JSONValue {
        let action = try telegram(#"{"bot_token":"\#(Self.token)",\#(config)}"#)
        return try JSONDocument(action.request(for: try firing(data)).calls[0].body).root
    }

    private func calls(_ config: String, _ data: String = "{}") throws -> [(method: String, body: JSONValue)] {
        let action = try telegram(#"{"bot_token":"\#(Self.token)","chat_id":1,\#(config)}"#)
        return try action.request(for: try firing(data)).calls.map { ($0.method, try JSONDocument($0.body).root) }
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

    @Test("A text over the limit is several messages, the buttons under the last")
    func longTexts() throws {
        let words = String(repeating: "<word> ", count: 1_500)
        let buttons = #""reply_markup":{"inline_keyboard":[[{"text":"ok","callback_data":"y"}]]}"#
        let parts = try calls(
            #""text":"<b>{{x}}</b> and <i>{{y}}</i>","parse_mode":"HTML","disable_notification":true,\#(buttons)"#,
            #"{"x":"\#(words)","y":"short"}"#)
        #expect(parts.count == 5)
        for (number, part) in parts.enumerated() {
            let text = try #require(part.body["text"]?.string)
            #expect(part.method == "sendMessage" && text.utf16.count <= 4096)
            #expect(number == 4 || text.utf16.count > 4_000)
            #expect(text.hasPrefix("<b>&lt;word&gt;"))
            #expect(text.hasSuffix(number == 4 ? "</b> and <i>short</i>" : "&lt;word&gt;</b>"))
            #expect(part.body["disable_notification"]?.bool == true)
            #expect((part.body["reply_markup"] != nil) == (number == 4))
        }
        let all = parts.compactMap { $0.body["text"]?.string }.joined()
        #expect(all.ranges(of: "&lt;word&gt;").count == 1_500)
    }

    @Test("A text of exactly the limit is one message, and ten messages are the most")
    func exactTexts() throws {
        let exact = String(repeating: "é", count: 4096)
        #expect(try calls(#""text":"{{x}}""#, #"{"x":"\#(exact)"}"#).map { $0.body["text"]?.string } == [exact])
        #expect(
            try calls(#""text":"{{x}}""#, #"{"x":"\#(exact)é"}"#).map { $0.body["text"]?.string } == [exact, "é"])
        let huge = try calls(#""text":"{{x}}""#, #"{"x":"\#(String(repeating: "é", count: 60_000))"}"#)
        #expect(huge.count == 10)
        #expect(huge.last?.body["text"]?.string == String(repeating: "é", count: 4095) + "…")
    }

    @Test("A photo takes the text as its caption, and what is too long for one goes behind it")
    func photos() throws {
        let short = try calls(
            #""photo":"https://example.com/{{name}}.png","text":"<i>{{x}}</i>","parse_mode":"HTML""#,
            #"{"name":"a b","x":"&"}"#)
        #expect(short.map(\.method) == ["sendPhoto"])
        #expect(
            short[0].body
                == (try json(
                    #"""
                    {"chat_id":1,"photo":"https://example.com/a%20b.png","caption":"<i>&amp;</i>",\#
                    "parse_mode":"HTML"}
                    """#
                )))
        let whole = try calls(#""photo":"{{picture}}""#, #"{"picture":"https://example.com/p?a=1&b=2"}"#)
        #expect(whole[0].body == (try json(#"{"chat_id":1,"photo":"https://example.com/p?a=1&b=2"}"#)))
        let long = try calls(
            #""photo":"AgACAgIAAxkBAAI","text":"{{x}}""#, #"{"x":"\#(String(repeating: "word ", count: 500))"}"#)
        #expect(long.map(\.method) == ["sendPhoto", "sendMessage"])
        #expect(long[0].body["caption"]?.string?.utf16.count == 1024)
        #expect(long[1].body["photo"] == nil && long[1].body["text"]?.string?.hasPrefix("word") == true)
        #expect(throws: RenderingError.invalid(.photo, "is empty")) {
            try calls(#""photo":"{{x}}""#, #"{"x":""}"#)
        }
    }

    @Test("Values in buttons are text, and percent-encoded in addresses")
    func buttons() throws {
        let call = try calls(
            #"""
            "text":"x","reply_markup":{"inline_keyboard":[[\#
            {"text":"Open {{n}}","url":"https://example.com/{{n}}?q={{q}}"},\#
            {"text":"{{q}}","callback_data":"{{n}}"}],[{"text":"copy","copy_text":{"text":"{{q}}"}}]]}
            """#, #"{"n":5,"q":"a b&<\"c\">"}"#)[0]
        #expect(
            call.body["reply_markup"]
                == (try json(
                    #"""
                    {"inline_keyboard":[[{"text":"Open 5","url":"https://example.com/5?q=a%20b%26%3C%22c%22%3E"},\#
                    {"text":"a b&<\"c\">","callback_data":"5"}],[{"text":"copy","copy_text":{"text":"a b&<\"c\">"}}]]}
                    """#)))
    }

    @Test(
        "Buttons are checked",
        arguments: [
            ("5", ""), ("{}", "/inline_keyboard"), (#"{"inline_keyboard":[]}"#, "/inline_keyboard"),
            (#"{"inline_keyboard":[[]]}"#, "/inline_keyboard"),
            (#"{"inline_keyboard":[[{"text":"a"}]]}"#, "/inline_keyboard/0/0"),
            (#"{"inline_keyboard":[[{"text":"a","url":"javascript:x"}]]}"#, "/inline_keyboard/0/0/url"),
            (#"{"inline_keyboard":[[{"text":"a","url":"https://a","callback_data":"b"}]]}"#, "/inline_keyboard/0/0"),
            (#"{"inline_keyboard":[[{"text":"{{x","callback_data":"b"}]]}"#, "/inline_keyboard/0/0/text"),
            (#"{"keyboard":[["a"]]}"#, "/inline_keyboard"),
        ])
    func badButtons(markup: String, place: String) {
        let found = problems {
            _ = try telegram(#"{"bot_token":"1:a","chat_id":1,"text":"x","reply_markup":\#(markup)}"#)
        }
        #expect(found.first?.hasPrefix("/actions/0/config/reply_markup\(place): ") == true, "\(found)")
    }

    @Test("A message of nothing is not sent")
    func emptyTexts() throws {
        for text in ["", "  \\n "] {
            #expect(throws: RenderingError.invalid(.text, "is empty")) {
                try calls(#""text":"{{x}}""#, #"{"x":"\#(text)"}"#)
            }
        }
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
        #expect(problems { _ = try telegram(#"{"bot_token":"1:a","chat_id":1,"photo":"https://a"}"#) }.isEmpty)
        for token in ["123", "123:", ":abc", "123:a/b", "123:a?b", "12a:abc", "1:a:b", "1:a..", "1:a%2F"] {
            #expect(
                problems { _ = try telegram(#"{"bot_token":"\#(token)","chat_id":1,"text":"x"}"#) }.count == 1,
                "\(token)")
        }
        let long = String(repeating: "x", count: 65_537)
        #expect(problems { _ = try telegram(#"{"bot_token":"1:a","chat_id":1,"text":"\#(long)"}"#) }.count == 1)
    }
}
