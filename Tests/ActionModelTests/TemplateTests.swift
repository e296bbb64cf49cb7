import EventModel
import JSONTree
import Testing

@testable import ActionModel

@Suite("Templates")
struct TemplateTests {
    private func render(_ template: String, _ data: String, _ escaping: Escaping = .none) throws -> String {
        try Template(template, pointer: "").render(try firing(data), escaping: escaping)
    }

    @Test("A placeholder is the value of a field, of the trigger or of the firing")
    func values() throws {
        let data = #"{"amount":12.50,"customer":{"name":"Ada"},"tags":["a","b"],"odd key":true,"nothing":null}"#
        #expect(try render("{{amount}} {{ data.amount }} {{event.data.amount}}", data) == "12.50 12.50 12.50")
        #expect(
            try render("{{customer.name}}/{{tags[1]}}/{{tags}}/{{customer}}", data)
                == #"Ada/b/["a","b"]/{"name":"Ada"}"#)
        #expect(try render(#"{{data["odd key"]}}"#, data) == "true")
        #expect(try render("[{{nothing}}{{missing.entirely}}]", data) == "[]")
        #expect(
            try render("{{type}} {{source}} {{time}} {{received_at}}", data)
                == "PaymentProcessed shop 2026-03-01T08:30:00Z 2026-03-01T08:30:01Z")
        #expect(try render("{{trigger.name}} v{{trigger.version}}", data) == "big payments v7")
        #expect(try render("{{trigger.id}}", data) == UniqueID(high: 3, low: 3).description)
        #expect(try render("{{firing_id}}", data) == UniqueID(high: 2, low: 2).description)
        #expect(try render("{{fired_at}}", data) == "2026-03-01T08:30:02Z")
        #expect(try render("{{event}}", data).hasPrefix(#"{"id":"01900000-0000-7000-8000-000000000001","type":"#))
    }

    @Test("Text around placeholders stays as it is, comments go")
    func text() throws {
        #expect(try render("no placeholder } }} { here", "{}") == "no placeholder } }} { here")
        #expect(try render("a{{! a remark }}b{{x}}", #"{"x":1}"#) == "ab1")
        #expect(try render("ünï {{x}} 💶", #"{"x":"ç"}"#) == "ünï ç 💶")
        #expect(try render(#"{{data["a}}b"]}}"#, #"{"a}}b":5}"#) == "5")
    }

    @Test(
        "A value is escaped for where it lands",
        arguments: [
            (Escaping.none, #"<b>"A&B"</b>"#, #"<b>"A&B"</b>"#),
            (.html, #"<b>"A&B"</b>'"#, "&lt;b&gt;&quot;A&amp;B&quot;&lt;/b&gt;&#39;"),
            (.json, "line\nquote\" back\\", #"line\nquote\" back\\"#),
            (.markdownV2, ##"_*[]()~`>#+-=|{}.!\ok"##, ##"\_\*\[\]\(\)\~\`\>\#\+\-\=\|\{\}\.\!\\ok"##),
            (.url, "a b/ü?&=#%~.-_", "a%20b%2F%C3%BC%3F%26%3D%23%25~.-_"),
            (.url, "..", "%2E%2E"),
        ])
    func escapes(escaping: Escaping, value: String, expected: String) throws {
        var writer = JSONWriter()
        writer.object { $0.member("x", value) }
        let data = ActionModelTests.text(writer.bytes)
        #expect(try render("<{{x}}>", data, escaping) == "<\(expected)>")
        #expect(try render("<{{{x}}}><{{&x}}>", data, escaping) == "<\(value)><\(value)>")
    }

    @Test(
        "What can't be rendered is refused with its reason",
        arguments: [
            ("{{#items}}x{{/items}}", "sections"), ("{{> part}}", "sections"), ("{{=<% %>=}}", "sections"),
            ("{{x", "not closed, at byte 0"), ("ab {{x}", "not closed, at byte 3"), ("{{}}", "empty"),
            ("{{  }}", "empty"),
            ("{{a..b}}", "in {{a..b}}: not a field path"), ("{{trigger.secret}}", "a trigger has id, name and version"),
        ])
    func refused(template: String, reason: String) {
        let found = problems { _ = try Template(template, pointer: "/text") }
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("/text: ") == true)
        #expect(found.first?.contains(reason) == true, "\(found)")
    }

    @Test("A template has bounds")
    func bounds() {
        #expect(problems { _ = try Template(String(repeating: "{{x}}", count: 201), pointer: "") }.count == 1)
        #expect(problems { _ = try Template(String(repeating: "{{x}}", count: 200), pointer: "") }.isEmpty)
        #expect(problems { _ = try Template(String(repeating: "x", count: 65_537), pointer: "") }.count == 1)
    }
}
