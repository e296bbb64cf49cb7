import JSONTree
import Testing

@Suite("Lists of events over HTTP")
struct EventListTests {
    private static let events = [
        #"{"type":"OrderPaid","source":"shop","subject":"c-1","data":{"n":1,"amount":10,"note":"First order"}}"#,
        #"{"type":"OrderPaid","source":"shop","subject":"c-2","data":{"n":2,"amount":20,"tags":["vip","new"]}}"#,
        #"{"type":"Größe","source":"till","subject":"c-1","data":{"n":3,"amount":"10","ip":"10.1.2.3"}}"#,
        #"{"type":"OrderPaid","source":"till","data":{"n":4,"a":{"b":[{"odd key":true}]},"note":"order the first"}}"#,
    ]

    /// What each parameter leaves of the events above, newest first.
    private static let questions: [(query: String, numbers: [Int64])] = [
        ("", [4, 3, 2, 1]),
        ("type=OrderPaid", [4, 2, 1]),
        ("type=Gr%C3%B6%C3%9Fe", [3]),
        ("type=orderpaid", []),
        ("subject=c-1", [3, 1]),
        ("source=till&order=asc", [3, 4]),
        ("type=OrderPaid&source=shop&subject=c-2", [2]),
        ("from=2020-01-01T00:00:00Z&to=2120-01-01T00:00:00Z", [4, 3, 2, 1]),
        ("from=2120-01-01T00:00:00Z", []),
        ("q=order", [4, 1]),
        ("q=FIRST+order", [4, 1]),
        ("q=%22first%20order%22", [1]),
        ("q=vip", [2]),
        ("q=gr%C3%B6%C3%9Fe", [3]),
        ("q=till", [4, 3]),
        (filter(#"{"field":"data.amount","operator":"eq","value":10.0}"#), [1]),
        (filter(#"{"field":"amount","operator":">","value":10}"#), [2]),
        (filter(#"{"field":"amount","operator":"between","value":[10,20]}"#), [2, 1]),
        (filter(#"{"field":"amount","operator":"in","value":["10",20]}"#), [3, 2]),
        (filter(#"{"field":"amount","operator":"not_in","value":[10]}"#), [2]),
        (filter(#"{"field":"amount","operator":"!=","value":10}"#), [2]),
        (filter(#"{"field":"amount","operator":"lte","value":20}"#), [2, 1]),
        (filter(#"{"field":"amount","operator":"is_type","value":"string"}"#), [3]),
        (filter(#"{"field":"amount","operator":"exists","value":false}"#), [4]),
        (filter(#"{"field":"tags","operator":"contains","value":"vip"}"#), [2]),
        (filter(#"{"field":"note","operator":"contains","value":"rst"}"#), [4, 1]),
        (filter(#"{"field":"note","operator":"starts_with","value":"First"}"#), [1]),
        (filter(#"{"field":"note","operator":"ends_with","value":"first"}"#), [4]),
        (filter(#"{"field":"note","operator":"matches","value":"^[Oo]rder"}"#), [4]),
        (filter(#"{"field":"ip","operator":"cidr","value":"10.0.0.0/8"}"#), [3]),
        (filter(#"{"field":"a.b[0][\"odd key\"]","operator":"eq","value":true}"#), [4]),
        (filter(#"{"field":"subject","operator":"eq","value":"c-1"}"#), [3, 1]),
        (
            filter(
                #"{"any":[{"field":"n","operator":"eq","value":1},{"not":{"field":"n","operator":"lt","value":4}}]}"#),
            [4, 1]
        ),
        (filter(#"{"all":[]}"#), [4, 3, 2, 1]),
        (filter(#"{"any":[]}"#), []),
        ("type=OrderPaid&q=order&" + filter(#"{"field":"n","operator":"gt","value":1}"#), [4]),
    ]

    private static func filter(_ json: String) -> String { "filter=" + encoded(json) }

    /// Percent-encodes all but letters and digits.
    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let scalar = Unicode.Scalar(byte)
            guard !(scalar.isASCII && scalar.properties.isAlphabetic) else { return String(scalar) }
            return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }

    private func numbers(_ answer: HTTPExchange.Answer) throws -> [Int64] {
        try answer.json["data"]?.elements.compactMap { $0["data"]?["n"]?.int64 } ?? []
    }

    @Test func `every parameter narrows a list, and together they narrow it further`() async throws {
        try await withGateway { api in
            for event in Self.events { #expect(try await api.send("POST", "/api/v1/events", event).status == 201) }
            for (query, expected) in Self.questions {
                let answer = try await api.send("GET", "/api/v1/events?\(query)")
                #expect(answer.status == 200, "\(query): \(answer.text)")
                #expect(try numbers(answer) == expected, "\(query)")
            }
            let first = try await api.send("GET", "/api/v1/events?limit=3")
            let cursor = try #require(try first.json["next_cursor"]?.string)
            #expect(try numbers(await api.send("GET", "/api/v1/events?limit=3&cursor=\(cursor)")) == [1])
            let last = try await api.send("GET", "/api/v1/events?q=order&order=asc")
            let end = try #require(try last.json["next_cursor"]?.string)
            #expect(try numbers(await api.send("GET", "/api/v1/events?q=order&order=asc&cursor=\(end)")) == [])
        }
    }

    @Test func `a filter that is none is 400, and says where`() async throws {
        try await withGateway { api in
            let deep = String(repeating: #"{"not":"#, count: 17) + #"{"all":[]}"# + String(repeating: "}", count: 17)
            let cases: [(query: String, parameter: String, pointer: String?)] = [
                (Self.filter("{"), "filter", nil),
                (Self.filter("[]"), "filter", ""),
                (Self.filter(#"{"field":"a","operator":"almost","value":1}"#), "filter", "/operator"),
                (Self.filter(#"{"field":"a","operator":"gt","value":true}"#), "filter", "/value"),
                (Self.filter(#"{"field":"a..b","operator":"gt","value":1}"#), "filter", "/field"),
                (
                    Self.filter(#"{"all":[{"all":[]},{"field":"a","operator":"matches","value":"("}]}"#), "filter",
                    "/all/1/value"
                ),
                (
                    Self.filter(#"{"aggregate":"count","window":"5m","operator":"gt","value":3}"#), "filter",
                    "/aggregate"
                ),
                (Self.filter(deep), "filter", String(repeating: "/not", count: 16)),
                (Self.filter(String(repeating: "[", count: 65)), "filter", nil),
                (Self.filter("\"" + String(repeating: "x", count: 8_192) + "\""), "filter", nil),
                ("filter=", "filter", nil),
                ("q=%21%21", "q", nil),
                ("q=%22open", "q", nil),
                ("q=" + String(repeating: "w+", count: 40), "q", nil),
                ("from=yesterday", "from", nil),
                ("from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "to", nil),
                ("order=up", "order", nil),
                ("limit=0", "limit", nil),
                ("cursor=0190a000-0000-7000-8000-000000000000", "cursor", nil),
                ("types=A", "types", nil),
                ("type=A&type=B", "type", nil),
            ]
            for (query, parameter, pointer) in cases {
                let answer = try await api.send("GET", "/api/v1/events?\(query)")
                try expectProblem(answer, 400, "invalid-parameter")
                #expect(try answer.json["parameter"]?.string == parameter, "\(query.prefix(60)): \(answer.text)")
                #expect(try answer.json["errors"]?[0]?["pointer"]?.string == pointer, "\(answer.text)")
            }
        }
    }

    @Test func `one organization's search finds nothing of another's`() async throws {
        try await withTwoOrganizations { one, other in
            for event in Self.events { #expect(try await one.send("POST", "/api/v1/events", event).status == 201) }
            for query in ["q=order", Self.filter(#"{"field":"n","operator":"gt","value":0}"#), "subject=c-1"] {
                let foreign = try await other.send("GET", "/api/v1/events?\(query)")
                let own = try await one.send("GET", "/api/v1/events?\(query)")
                #expect(try numbers(foreign) == [])
                #expect(try numbers(own).count > 1)
            }
        }
    }
}
