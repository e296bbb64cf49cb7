import ActionModel
import EventModel
import JSONTree

/// Templates, and the messages that are made of them.
///
/// - A refusal is one problem with words and a column.
/// - What is taken renders within its bound, or says why it can't be rendered.
/// - As a member of a JSON body, it is a JSON value and no more, whatever its values hold.
/// - A message for Telegram has at most ten parts, each of them of a length that Telegram takes.
enum TemplateTarget {
    private static let data = #"""
        {"list":[{"n":"<b>a</b>","p":1.50},{"n":"]}\",*_`~","p":null},{}],"texts":["x","é💶","\\","```"],"empty":[],\#
        "yes":true,"no":false,"null":null,"nested":[[1,[2]],[3]],"html":"<a href=\"x>y\">&amp;</a>",\#
        "a":{"b":{"c":"d"}},\#
        "long":"one two three\n\nfour five, six seven eight nine ten eleven twelve thirteen fourteen fifteen"}
        """#

    static func run(_ input: [UInt8]) throws(BrokenPromise) {
        let text = String(decoding: input, as: UTF8.self)
        guard let firing = try? Self.firing() else { throw BrokenPromise(what: "the firing of the target is none") }
        do throws(JSONValidationError) {
            _ = try Template(text, pointer: "/t")
        } catch {
            try promise(error.problems.count == 1 && error.problems[0].pointer == "/t", "\(error.problems)")
            let detail = error.problems[0].detail
            try promise(detail.contains("column ") || detail.hasSuffix("64 KiB"), "no column: \(detail)")
        }
        for escaping: Escaping in [.none, .json, .html, .markdownV2, .slack, .url] {
            try render(text, escaping, firing)
        }
        try emit(text, firing)
        for mode in ["", #","parse_mode":"HTML""#, #","parse_mode":"MarkdownV2""#] {
            try telegram(text, mode, firing)
        }
    }

    private static func render(_ text: String, _ escaping: Escaping, _ firing: Firing) throws(BrokenPromise) {
        guard let template = try? Template(text, pointer: "") else { return }
        let rendered: String
        do throws(RenderingError) {
            rendered = try template.render(firing, escaping: escaping, limit: 20_000, of: .text)
        } catch {
            return try promise(!error.description.isEmpty, "no reason")
        }
        try promise(rendered.utf8.count <= 20_000, "\(rendered.utf8.count) bytes, over the bound")
    }

    private static func emit(_ text: String, _ firing: Firing) throws(BrokenPromise) {
        let config = #"{"event_type":"T","data":{"x":\#(quoted(text))}}"#
        guard let shown = try preview(#"{"type":"emit","config":\#(config)}"#, firing), shown["error"] == nil else {
            return
        }
        let data = shown["event"]?["data"]
        try promise(data?.count == 1 && data?["x"] != nil, "the body has become another: \(text)")
    }

    private static func telegram(_ text: String, _ mode: String, _ firing: Firing) throws(BrokenPromise) {
        let config = #"{"bot_token":"1:a","chat_id":1,"text":\#(quoted(text))\#(mode)}"#
        guard let shown = try preview(#"{"type":"telegram","config":\#(config)}"#, firing), shown["error"] == nil else {
            return
        }
        let parts = shown["requests"].map { Array($0.elements) } ?? shown["request"].map { [$0] } ?? []
        try promise((1...10).contains(parts.count), "\(parts.count) parts of \(text)")
        for part in parts where part["body_excerpt"] == nil {
            let length = part["body"]?["text"]?.string?.utf16.count ?? 0
            try promise((1...4096).contains(length), "a part of \(length): \(text)")
        }
    }

    /// What an action says that it would do; nil when its definition is refused.
    private static func preview(_ definition: String, _ firing: Firing) throws(BrokenPromise) -> JSONValue? {
        guard let document = try? JSONDocument(definition),
            let action = try? ActionDefinition(document.root, pointer: "/actions/0")
        else { return nil }
        var writer = JSONWriter()
        action.writePreview(for: firing, to: &writer)
        guard let shown = try? JSONDocument(writer.bytes).root else {
            throw BrokenPromise(what: "a preview is not JSON: \(String(decoding: writer.bytes, as: UTF8.self))")
        }
        return shown
    }

    private static func quoted(_ text: String) -> String {
        var writer = JSONWriter()
        writer.string(text)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private static func firing() throws -> Firing {
        let time = Timestamp(microseconds: 1_700_000_000_000_000)
        let id = UniqueID(high: 1, low: 1)
        let event = Event(
            id: id, organizationID: id, part: 0, position: 1, type: "T", source: "s", subject: nil, time: time,
            receivedAt: time, producerID: nil, traceparent: nil, data: Array(data.utf8))
        return Firing(
            id: id, triggerID: id, triggerName: "{{name}}", triggerVersion: 1, firedAt: time,
            event: try ParsedEvent(event))
    }
}
