import EventModel
import JSONTree
import Testing

@testable import ActionModel

@Suite("Templates")
struct TemplateTests {
    private func render(_ template: String, _ data: String, _ escaping: Escaping = .none) throws -> String {
        try Template(template, pointer: "").render(
            try firing(data), escaping: escaping, limit: 64 * 1024, of: .body)
    }

    @Test("A placeholder is the value of a field, of the trigger or of the firing")
    func values() throws {
        let data = #"{"amount":12.50,"customer":{"name":"Ada"},"tags":["a","b"],"odd key":true,"nothing":null}"#
        #expect(try render("{{amount}} {{ data.amount }} {{event.data.amount}}", data) == "12.50 12.50 12.50")
        #expect(
            try render("{{customer.name}}/{{tags[1]}}/{{tags}}/{{customer}}", data)
                == #"Ada/b/["a","b"]/{"name":"Ada"}"#)
        #expect(try render(#"{{data["odd key"]}}"#, data) == "true")
        #expect(try render("[{{nothing}}]", data) == "[]")
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

    @Test("A missing value is an error, or the default that is declared")
    func missing() throws {
        #expect(throws: RenderingError.missing("data.name")) { try render("Hello {{data.name}}", "{}") }
        #expect(throws: RenderingError.missing("customer.name")) { try render("{{customer.name}}", #"{"customer":5}"#) }
        #expect(
            RenderingError.missing("data.name").description
                == "{{data.name}} is missing, and its placeholder has no default")
        let cases = [
            (#"{{name | default: "you & me"}}"#, "you &amp; me"), ("{{name|default:'it \" is'}}", "it &quot; is"),
            ("{{{name | default: '<b>'}}}", "<b>"), ("{{& name | default: '<b>' }}", "<b>"),
            ("{{name | default: 12.50}}", "12.50"), ("{{name | default: true}}", "true"),
            ("{{name | default: ''}}", ""), (#"{{name | default: "a}}b|c"}}"#, "a}}b|c"),
            (#"{{data["a|b"] | default: "x"}}"#, "x"), (#"{{name | default: "\u00e9"}}"#, "é"),
        ]
        for (template, expected) in cases {
            #expect(try render(template, "{}", .html) == expected)
            #expect(try render(template, #"{"name":null,"a|b":null}"#, .html) == expected)
        }
        #expect(try render("{{name | default: 'x'}}", #"{"name":"Ada"}"#) == "Ada")
        #expect(try render("{{name | default: 'x'}}", #"{"name":false}"#) == "false")
        #expect(try render("{{it's}}", #"{"it's":1}"#) == "1")
    }

    @Test("A section stands for each element, or for what is not false")
    func sections() throws {
        let data = #"""
            {"items":[{"n":"a","p":1},{"n":"b"}],"tags":["x","<y>"],"none":[],"yes":true,"no":false,"null":null,\#
            "zero":0,"text":"","customer":{"name":"Ada","type":"gold"},"n":"outer","deep":[{"list":[1,2]},{"list":[]}]}
            """#
        #expect(try render("{{#items}}{{n}}{{/items}}", data) == "ab")
        #expect(try render("{{#tags}}[{{.}}]{{/tags}}", data, .html) == "[x][&lt;y&gt;]")
        #expect(try render("{{#items}}{{p | default: '-'}}{{n}},{{/items}}", data) == "1a,-b,")
        #expect(try render("{{#customer}}{{name}} {{n}} {{type}}{{/customer}}", data) == "Ada outer gold")
        #expect(try render("{{#yes}}1{{/yes}}{{#no}}2{{/no}}{{#null}}3{{/null}}{{#none}}4{{/none}}", data) == "1")
        #expect(try render("{{#zero}}0{{/zero}}{{#text}}t{{/text}}{{#type}}T{{/type}}", data) == "0tT")
        #expect(
            try render("{{^yes}}1{{/yes}}{{^no}}2{{/no}}{{^none}}3{{/none}}{{^missing}}4{{/missing}}", data) == "234")
        #expect(try render("{{#deep}}({{#list}}{{.}}{{/list}}{{^list}}none{{/list}}){{/deep}}", data) == "(12)(none)")
        #expect(try render("{{#missing.entirely}}x{{/missing.entirely}}-", data) == "-")
        // What is the firing's is not an element's.
        #expect(
            try render("{{#items}}{{trigger.version}}{{event.type}} {{/items}}", data)
                == "7PaymentProcessed 7PaymentProcessed ")
        #expect(try render("{{#type}}<{{.}}>{{/type}}{{#yes}}{{.}}{{/yes}}", data) == "<PaymentProcessed>true")
        #expect(try render("{{#list}}{{[0]}}{{/list}}", #"{"list":[[1,2],[3]]}"#) == "13")
    }

    @Test("Of an element the first step of a path decides whose it is")
    func contexts() throws {
        let data = #"{"items":[{"customer":{"id":1}},{"other":2}],"customer":{"id":9,"name":"outer"}}"#
        #expect(try render("{{#items}}{{customer.id}} {{/items}}", data) == "1 9 ")
        #expect(throws: RenderingError.missing("customer.name")) {
            try render("{{#items}}{{customer.name}}{{/items}}", data)
        }
    }

    @Test("A line with nothing but a section's tag or a comment goes with its end")
    func standaloneLines() throws {
        let template =
            "Items:\n{{#items}}\n- {{.}}\n{{/items}}\n  {{! a remark }}  \r\n{{^items}}\nnone\n{{/items}}\nEnd"
        #expect(try render(template, #"{"items":["a","b"]}"#) == "Items:\n- a\n- b\nEnd")
        #expect(try render(template, #"{"items":[]}"#) == "Items:\nnone\nEnd")
        #expect(try render("{{#x}} {{/x}}\n", #"{"x":true}"#) == " \n")
        #expect(try render("  {{x}}\n", #"{"x":1}"#) == "  1\n")
        #expect(try render("a\n  {{#x}}\nb\n  {{/x}}", #"{"x":true}"#) == "a\nb\n")
    }

    @Test(
        "What can't be rendered is refused with its reason and its place",
        arguments: [
            ("{{> part}}", "partials and delimiters are not supported, at column 1"),
            ("{{=<% %>=}}", "partials"), ("{{<a}}{{/a}}", "partials"), ("{{$a}}{{/a}}", "partials"),
            ("{{%a}}", "partials"),
            ("{{x", "not closed, at column 1"), ("äb {{x}", "not closed, at column 4"),
            ("a\nb {{x}", "not closed, at line 2, column 3"), ("{{}}", "empty, at column 1"),
            ("{{  }}", "empty"), ("{{# }}x{{/ }}", "empty"),
            ("ok {{a..b}}", "in {{a..b}}: not a field path"),
            ("{{trigger.secret}}", "a trigger has id, name and version"),
            ("{{a..b}}", ", at column 1"),
            ("{{#a}}x", "the section {{#a}} is not closed, at column 1"),
            ("x{{/a}}", "closes a section that was not opened, at column 2"),
            ("{{#a}}{{#b}}{{/a}}{{/b}}", "{{/a}} stands where {{/b}} is due, at column 13"),
            ("{{.}}", "there is none around it"), ("{{#a | default: 1}}{{/a}}", "a section has no default"),
            ("{{x | upper}}", "can stand a default alone"), ("{{x | default}}", "can stand a default alone"),
            ("{{x | default: }}", "can stand a default alone"), ("{{x | default: y}}", "can stand a default alone"),
            ("{{x | default: [1]}}", "can stand a default alone"),
            ("{{x | default: 'a'b'}}", "not closed"),
        ])
    func refused(template: String, reason: String) {
        let found = problems { _ = try Template(template, pointer: "/text") }
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("/text: ") == true)
        #expect(found.first?.contains(reason) == true, "\(found)")
    }

    @Test("Sections that repeat each other have an end")
    func repetition() throws {
        let list = "[" + Array(repeating: "0", count: 400).joined(separator: ",") + "]"
        let data = #"{"a":\#(list)}"#
        let nested = { (body: String) in
            String(repeating: "{{#a}}", count: 4) + body + String(repeating: "{{/a}}", count: 4)
        }
        #expect(throws: RenderingError.tooManySteps(.body, limit: TemplateRenderer.maximumSteps)) {
            try render(nested(""), data)
        }
        #expect(throws: RenderingError.tooLarge(.body, limit: 64 * 1024)) {
            try render(nested(String(repeating: "x", count: 100)), data)
        }
    }

    @Test("A rendered text is valid UTF-8 whatever is put in, and no template makes the parser stop")
    func anything() throws {
        let pieces = [
            "{{", "}}", "{{{", "}}}", "#", "/", "^", "&", "!", "x", "a.b", "[0]", "|", "default:", "'", "\"", "\\", " ",
            "\n",
            "é", "{{#x}}", "{{/x}}", "{{x}}", ".",
        ]
        var generator = SplitMix(state: 7)
        let event = try firing(#"{"x":[1,"é",null],"a":{"b":false}}"#)
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0..<12, using: &generator)).map { _ in
                pieces.randomElement(using: &generator) ?? ""
            }.joined()
            guard let template = try? Template(text, pointer: "") else { continue }
            _ = try? template.render(event, escaping: .json, limit: 1_000, of: .body)
        }
    }

    @Test("A template has bounds")
    func bounds() {
        #expect(problems { _ = try Template(String(repeating: "{{x}}", count: 201), pointer: "") }.count == 1)
        #expect(problems { _ = try Template(String(repeating: "{{x}}", count: 200), pointer: "") }.isEmpty)
        #expect(problems { _ = try Template(String(repeating: "x", count: 65_537), pointer: "") }.count == 1)
        let deep = { (depth: Int) in
            String(repeating: "{{#a}}", count: depth) + String(repeating: "{{/a}}", count: depth)
        }
        #expect(problems { _ = try Template(deep(16), pointer: "") }.isEmpty)
        #expect(problems { _ = try Template(deep(17), pointer: "") }.first?.contains("more than 16 deep") == true)
    }
}
