import EventModel
import JSONTree
import Testing

struct EventEnvelopeTests {
    private func envelope(_ text: String, pointer: String = "") throws -> EventEnvelope {
        try EventEnvelope(JSONDocument(text).root, pointer: pointer)
    }

    private func problems(_ text: String, pointer: String = "") throws -> [JSONProblem] {
        let value = try JSONDocument(text).root
        do throws(JSONValidationError) {
            _ = try EventEnvelope(value, pointer: pointer)
            return []
        } catch {
            return error.problems
        }
    }

    @Test("A full envelope keeps everything, its data byte for byte")
    func full() throws {
        let envelope = try envelope(
            """
            {"type":"PaymentProcessed","source":"shop","subject":"order-7","time":"2026-03-01T10:30:00+01:00",
             "id":"p-1","traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
             "data":{"amount": 12.50 , "n":9007199254740993}}
            """)
        #expect(envelope.type == "PaymentProcessed")
        #expect(envelope.source == "shop")
        #expect(envelope.subject == "order-7")
        #expect(envelope.time == Timestamp(rfc3339: "2026-03-01T09:30:00Z"))
        #expect(envelope.producerID == "p-1")
        #expect(envelope.traceparent == "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        #expect(String(decoding: envelope.data, as: UTF8.self) == #"{"amount": 12.50 , "n":9007199254740993}"#)
    }

    @Test("Type and data are enough, and null is as good as absent")
    func minimal() throws {
        let minimal = try envelope(#"{"type":"A","data":{}}"#)
        #expect(minimal == EventEnvelope(type: "A", data: Array("{}".utf8)))
        let nulls = #"{"type":"A","data":{},"source":null,"subject":null,"time":null,"id":null,"traceparent":null}"#
        #expect(try envelope(nulls) == minimal)
        #expect(try envelope(#"{"type":"A","data":{},"source":""}"#) == minimal)
    }

    @Test(
        "Each member is checked, and the pointer names it",
        arguments: [
            (#"{"data":{}}"#, "/type", "is required"),
            (#"{"type":null,"data":{}}"#, "/type", "is required"),
            (#"{"type":7,"data":{}}"#, "/type", "must be a string, not a number"),
            (#"{"type":"","data":{}}"#, "/type", "must not be empty"),
            (#"{"type":"a\nb","data":{}}"#, "/type", "must not contain control characters"),
            (#"{"type":"a\u0085b","data":{}}"#, "/type", "must not contain control characters"),
            (#"{"type":"A"}"#, "/data", "is required"),
            (#"{"type":"A","data":[]}"#, "/data", "must be an object, not an array"),
            (#"{"type":"A","data":"x"}"#, "/data", "must be an object, not a string"),
            (#"{"type":"A","data":{},"source":1}"#, "/source", "must be a string, not a number"),
            (#"{"type":"A","data":{},"subject":""}"#, "/subject", "must not be empty"),
            (#"{"type":"A","data":{},"id":{}}"#, "/id", "must be a string, not an object"),
            (#"{"type":"A","data":{},"id":""}"#, "/id", "must not be empty"),
            (
                #"{"type":"A","data":{},"time":"yesterday"}"#, "/time",
                "must be an RFC 3339 time with a zone, such as 2026-03-01T09:30:00Z"
            ),
            (#"{"type":"A","data":{},"time":17}"#, "/time", "must be a string, not a number"),
            (#"{"type":"A","data":{},"Source":"x"}"#, "/Source", #"unknown member; did you mean "source"?"#),
            (
                #"{"type":"A","data":{},"a/b~":1}"#, "/a~1b~0",
                "unknown member; an event has type, data, source, subject, time, id, traceparent, cause. "
                    + "Put anything else into data"
            ),
            ("[]", "", "an event must be a JSON object, not an array"),
            ("null", "", "an event must be a JSON object, not null"),
        ])
    func oneProblem(_ text: String, _ pointer: String, _ detail: String) throws {
        #expect(try problems(text) == [JSONProblem(pointer: pointer, detail: detail)])
    }

    @Test(
        "Lengths are counted in characters", arguments: [("type", 255), ("source", 512), ("subject", 512), ("id", 255)])
    func bounds(_ member: String, _ maximum: Int) throws {
        func text(_ count: Int) -> String {
            let others = member == "type" ? "" : #""type":"A","#
            return "{\(others)\"data\":{},\"\(member)\":\"" + String(repeating: "é", count: count) + "\"}"
        }
        #expect(try problems(text(maximum)) == [])
        let detail = "must have at most \(maximum) characters, has \(maximum + 1)"
        #expect(try problems(text(maximum + 1)) == [JSONProblem(pointer: "/\(member)", detail: detail)])
    }

    @Test(
        "A trace context has to be one",
        arguments: [
            "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        ])
    func traceparent(_ text: String) throws {
        let found = try problems(#"{"type":"A","data":{},"traceparent":"\#(text)"}"#)
        #expect(found.map(\.pointer) == ["/traceparent"])
    }

    @Test("All problems are told at once, under the item's pointer")
    func allProblems() throws {
        let text = #"{"type":"","source":5,"time":"?","extra":1,"other":2}"#
        #expect(
            try problems(text, pointer: "/3").map(\.pointer)
                == ["/3/type", "/3/data", "/3/source", "/3/time", "/3/extra", "/3/other"])
    }

    @Test(
        "Ingesting keeps the whole object and takes its type",
        arguments: [
            (#"{"type":"A","x":1}"#, "A"), (#"{"x":1}"#, "Unknown"), (#"{"type":5}"#, "Unknown"), ("{}", "Unknown"),
            (#"{"type":""}"#, "Unknown"), (#"{"type":null}"#, "Unknown"),
        ])
    func ingest(_ text: String, _ type: String) throws {
        let envelope = try EventEnvelope.ingest(JSONDocument(text).root)
        let mark = type == "Unknown" ? Array(#"{"classify":true}"#.utf8) : nil
        #expect(envelope == EventEnvelope(type: type, data: Array(text.utf8), metadata: mark))
    }

    @Test(
        "Ingesting refuses what is no object and types that can't be stored",
        arguments: [
            ("[]", ""), ("7", ""), (#"{"type":"a\tb"}"#, "/type"),
            ("{\"type\":\"\(String(repeating: "x", count: 256))\"}", "/type"),
        ])
    func ingestRefused(_ text: String, _ pointer: String) throws {
        let value = try JSONDocument(text).root
        let error = #expect(throws: JSONValidationError.self) { try EventEnvelope.ingest(value) }
        #expect(error?.problems.map(\.pointer) == [pointer])
    }
}
