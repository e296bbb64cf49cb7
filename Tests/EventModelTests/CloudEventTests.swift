import EventModel
import JSONTree
import Testing

@Suite("CloudEvents")
struct CloudEventTests {
    private static let attributes = [
        ("specversion", "1.0"), ("id", "1"), ("source", "/s"), ("type", "T"),
    ].map { (name: $0.0, value: $0.1) }

    private func structured(_ members: String) throws -> EventEnvelope {
        let text = #"{"specversion":"1.0","id":"1","source":"/s","type":"T"\#(members.isEmpty ? "" : ",")\#(members)}"#
        return try CloudEvent.structured(JSONDocument(text).root)
    }

    private func binary(_ type: String, _ body: String) throws -> EventEnvelope {
        try CloudEvent.binary(Self.attributes, type: ContentType(type), body: Array(body.utf8))
    }

    private func form(_ envelope: EventEnvelope) throws -> String? {
        try JSONDocument(envelope.metadata ?? []).root["data_form"]?.string
    }

    @Test(arguments: [
        ("application/json", #"{"a":1}"#, [#""data":{"a":1}"#, #""data_base64":"eyJhIjoxfQ==""#], #"{"a":1}"#, nil),
        ("application/json", "[1]", [#""data":[1]"#, #""data_base64":"WzFd""#], #"{"value":[1]}"#, "value"),
        ("text/plain", "hi", [#""data":"hi""#, #""data_base64":"aGk=""#], #"{"text":"hi"}"#, "text"),
        ("application/xml", "<a/>", [#""data":"<a/>""#, #""data_base64":"PGEvPg==""#], #"{"text":"<a/>"}"#, "text"),
        ("image/png", "hi", [#""data_base64":"aGk=""#], #"{"base64":"aGk="}"#, "base64"),
        ("text/plain; charset=iso-8859-1", "hi", [#""data_base64":"aGk=""#], #"{"base64":"aGk="}"#, "base64"),
        ("text/plain", "a\u{0}", [#""data_base64":"YQA=""#], #"{"base64":"YQA="}"#, "base64"),
        ("application/json", "", ["", #""data":null"#, #""data_base64":"""#], "{}", "none"),
    ])
    func `the same event is the same in every mode, and says how its data is wrapped`(
        type: String, body: String, members: [String], data: String, form: String?
    ) throws {
        let sent = try binary(type, body)
        #expect(String(decoding: sent.data, as: UTF8.self) == data)
        #expect(try self.form(sent) == form)
        for members in members {
            let other = try structured(#""datacontenttype":"\#(type)"\#(members.isEmpty ? "" : ",")\#(members)"#)
            #expect(other == sent, "\(members)")
        }
    }

    @Test func `an object that looks like a wrapped value is told apart from one`() throws {
        #expect(try form(structured(#""data":{"value":1}"#)) == nil)
        #expect(try form(structured(#""data":1"#)) == "value")
    }

    @Test func `without a content type data is JSON, and bytes are bytes`() throws {
        #expect(try binary("", #"{"a":1}"#).data == Array(#"{"a":1}"#.utf8))
        #expect(throws: JSONError.self) { try binary("", "hi") }
        #expect(try form(structured(#""data":"hi""#)) == "value")
        #expect(try form(structured(#""data_base64":"e30=""#)) == "base64")
    }

    @Test func `all that is no data is kept`() throws {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let envelope = try structured(
            #""subject":"s","time":"2026-01-02T03:04:05Z","traceparent":"\#(parent)","tracestate":"a=b","flag":true"#
                + #","count":3,"dataschema":"urn:x","gone":null"#)
        #expect(envelope.type == "T" && envelope.source == "/s" && envelope.producerID == "1")
        #expect(envelope.subject == "s" && envelope.time == Timestamp(rfc3339: "2026-01-02T03:04:05Z"))
        #expect(envelope.traceparent == parent)
        let kept = try #require(try JSONDocument(envelope.metadata ?? []).root["cloudevents"])
        #expect(kept.description == #"{"tracestate":"a=b","flag":true,"count":3,"dataschema":"urn:x"}"#)
    }

    @Test(arguments: [
        (#""traceparent":"00-1""#, "/traceparent"), (#""traceparent":7"#, "/traceparent"),
        (#""datacontenttype":7"#, "/datacontenttype"), (#""dataschema":false"#, "/dataschema"),
        (#""subject":"""#, "/subject"), (#""ext":[1]"#, "/ext"), (#""eXt":"1""#, "/eXt"), (#""e_t":"1""#, "/e_t"),
        (#""ext":"a\u0007""#, "/ext"), (#""data_base64":"aGk""#, "/data_base64"), (#""data_base64":7"#, "/data_base64"),
        (#""datacontenttype":"application/json","data_base64":"aGk=""#, "/data_base64"),
        (#""data":{},"data_base64":"aGk=""#, ""),
    ])
    func `what breaks the specification is told with its place`(members: String, pointer: String) throws {
        let error = #expect(throws: JSONValidationError.self) { try structured(members) }
        #expect(error?.problems.map(\.pointer) == [pointer])
        #expect(error?.problems.allSatisfy { !$0.detail.isEmpty } == true)
    }

    @Test func `a binary event tells every attribute that it lacks, and one that it has twice`() throws {
        let missing = #expect(throws: JSONValidationError.self) {
            try CloudEvent.binary([], type: ContentType(""), body: [])
        }
        #expect(missing?.problems.map(\.pointer) == ["/specversion", "/id", "/source", "/type"])
        for extra in [("id", "2"), ("ext", "1"), ("data", "{}"), ("b-d", "1"), ("datacontenttype", "text/plain")] {
            let error = #expect(throws: JSONValidationError.self) {
                try CloudEvent.binary(
                    Self.attributes + [("ext", "0"), (name: extra.0, value: extra.1)], type: ContentType("text/plain"),
                    body: [])
            }
            #expect(error?.problems.map(\.pointer) == ["/\(extra.0)"])
        }
    }

    @Test(arguments: [
        ("application/json", "application/json", nil, true),
        ("Text/JSON ; charset=\"UTF-8\"", "text/json", "utf-8", true),
        ("application/json;charset=latin1", "application/json", "latin1", false), ("", "", nil, true),
        ("a/b; x=y; charset = utf-8", "a/b", nil, true),
    ])
    func `a content type is read without its parameters`(text: String, name: String, charset: String?, isUTF8: Bool) {
        let type = ContentType(text)
        #expect(type.text == text && type.name == name && type.charset == charset && type.isUTF8 == isUTF8)
    }

    @Test func `Base64 comes back as it went`() {
        var random = SeededGenerator(seed: 7)
        for length in 0..<70 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
        }
        #expect(Base64.encode(Array("foob".utf8)) == "Zm9vYg==")
    }
}
