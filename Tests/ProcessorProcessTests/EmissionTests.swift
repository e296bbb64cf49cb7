import EventModel
import EventStore
import PostgresWire
import TestKit
import Testing
import TriggerEngine

@testable import ProcessorProcess

@Suite("Firings make events, in the transaction of the firing")
struct EmissionTests {
    private func emit(_ type: String, _ data: String = #"{"n": "{{data.n}}"}"#) -> String {
        #", "actions": [{"type": "emit", "config": {"event_type": "\#(type)", "data": \#(data)}}]"#
    }

    private static let always = #"{"field": "data.n", "operator": "exists", "value": true}"#

    private func depths(_ fixture: EvaluatorFixture, _ type: String) async throws -> String {
        let statement = PostgresStatement(
            "test_depths",
            """
            SELECT coalesce(string_agg(metadata ->> 'depth', ' ' ORDER BY position) FILTER (WHERE type = $1), '')
            FROM events
            """)
        return try await fixture.owner.query(statement, [.text(type)])[0].decode(0)
    }

    @Test("A trigger that fires on its own events is cut after eight, and the last firing says so")
    func endlessChain() async throws {
        try await withEvaluators { fixture in
            try await fixture.makeTrigger("loop", condition: Self.always, more: emit("Score"))
            try await fixture.append(#"{"n": 7}"#, at: 0)
            let evaluator = fixture.evaluator()
            #expect(try await evaluator.processNext().events > 0)
            try await fixture.drain(evaluator)
            #expect(try await fixture.firings().count == 9)
            #expect(try await depths(fixture, "Score") == "1 2 3 4 5 6 7 8")
            let emits = "SELECT emits #>> '{0,error}' FROM firings ORDER BY position DESC LIMIT 1"
            #expect(try await fixture.value("test_cut", emits, as: String.self) == "depth 9 is over 8")
            let chained = """
                SELECT count(*) FROM firings f JOIN events e ON e.id::text = f.emits #>> '{0,event_id}'
                WHERE e.metadata #>> '{cause,firing_id}' = f.id::text
                    AND e.metadata #>> '{cause,event_id}' = f.event_id::text
                """
            #expect(try await fixture.value("test_chained", chained, as: Int.self) == 8)
        }
    }

    @Test("An event that would not be one is not made, and harms neither the firing nor the other actions")
    func refused() async throws {
        try await withEvaluators { fixture in
            let deep = String(repeating: "[", count: 63) + String(repeating: "]", count: 63)
            let actions =
                #", "actions": [{"type": "emit", "config": {"event_type": "A", "data": {"a": {"b": "{{data.n}}"}}}}, "#
                + #"{"type": "emit", "config": {"event_type": "B", "data": {}}}]"#
            try await fixture.makeTrigger("deep", condition: Self.always, more: actions)
            try await fixture.append(#"{"n": \#(deep)}"#, at: 0)
            try await fixture.drain(fixture.evaluator())
            #expect(try await fixture.firings().count == 1)
            #expect(try await depths(fixture, "A") == "")
            #expect(try await depths(fixture, "B") == "1")
        }
    }

    @Test("An absence emits an event of what was not followed")
    func absence() async throws {
        try await withEvaluators { fixture in
            let absence = """
                {"absence": {"after": {"field": "type", "operator": "eq", "value": "Order"},
                 "expect": {"field": "type", "operator": "eq", "value": "Paid"}, "within": "10m"}}
                """
            try await fixture.makeTrigger("silence", types: "*", condition: absence, more: emit("Silence"))
            let evaluator = fixture.evaluator(batchLimit: 1)
            try await fixture.append(#"{"n": 3}"#, at: 0, type: "Order")
            try await fixture.append(#"{"n": 4}"#, at: 3_000, type: "Other")
            try await fixture.drain(evaluator)
            let data = "SELECT data ->> 'n' FROM events WHERE type = 'Silence'"
            #expect(try await fixture.value("test_silence", data, as: String.self) == "3")
        }
    }
}
