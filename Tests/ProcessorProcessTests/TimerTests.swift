import EventModel
import EventStore
import Runtime
import TestKit
import Testing
import TriggerEngine

@testable import ProcessorProcess

@Suite("Timers fire once: in log order, or by the clock when all has been evaluated")
struct TimerTests {
    private static let silence = """
        {"absence": {"after": {"field": "type", "operator": "eq", "value": "Order"},
         "expect": {"field": "type", "operator": "eq", "value": "Paid"}, "within": "10m", "group_by": ["data.order"]}}
        """

    private func makeTrigger(_ fixture: EvaluatorFixture, more: String = "") async throws -> Trigger {
        try await fixture.makeTrigger("silence", types: "*", condition: Self.silence, more: more)
    }

    private func ats(_ fixture: EvaluatorFixture) async throws -> String {
        try await fixture.value(
            "test_ats",
            """
            SELECT coalesce(
                string_agg(round(extract(epoch FROM at - event_received_at))::text, ' ' ORDER BY position), '')
            FROM firings
            """)
    }

    @Test("An order that is paid in time is quiet; one that is not fires when its time is over, before what came later")
    func inLogOrder() async throws {
        try await withEvaluators { fixture in
            _ = try await makeTrigger(fixture)
            try await fixture.append(#"{"n": 0, "order": "paid"}"#, at: 0, type: "Order")
            try await fixture.append(#"{"n": 1, "order": "late"}"#, at: 1, type: "Order")
            try await fixture.append(#"{"order": "paid"}"#, at: 599, type: "Paid")
            try await fixture.append(#"{"order": "late"}"#, at: 602, type: "Paid")
            // Batches of one: nothing fires by the clock before the last.
            let evaluator = fixture.evaluator(batchLimit: 1)
            for _ in 0..<5 { _ = try await evaluator.processNext() }
            #expect(try await fixture.firings() == ["silence/1"])
            #expect(try await ats(fixture) == "600")
            try await fixture.drain(evaluator)
            #expect(try await fixture.firings() == ["silence/1"])
        }
    }

    @Test("By the clock a timer fires once, whichever replica comes first, and those that remember it know")
    func onceByClock() async throws {
        try await withEvaluators { fixture in
            _ = try await makeTrigger(fixture)
            let (one, other) = (fixture.evaluator(), fixture.evaluator())
            let recent = Double(Timestamp.now().microseconds - fixture.start.microseconds) / 1_000_000
            try await fixture.append(#"{"n": 0, "order": 1}"#, at: recent, type: "Order")
            try await fixture.drain(one)
            #expect(try await one.fireTimers().isEmpty)
            #expect(try await fixture.firings().isEmpty)
            try await fixture.append(#"{"n": 1, "order": 2}"#, at: recent - 700, type: "Order")
            try await fixture.drain(other)
            for evaluator in [one, other, fixture.evaluator()] {
                for outcome in try await evaluator.fireTimers() { #expect(outcome.ready.isEmpty) }
            }
            #expect(try await fixture.firings() == ["silence/1"])
            #expect(try await ats(fixture) == "600")
        }
    }

    @Test("Thousands of timers that are due at once fire in pages, each once")
    func pages() async throws {
        try await withEvaluators { fixture in
            _ = try await makeTrigger(fixture)
            let orders = (0..<2_500).map { (#"{"n": \#($0), "order": \#($0)}"#, Double($0 / 1_200 * 2)) }
            try await fixture.append(orders, type: "Order")
            let evaluator = fixture.evaluator(batchLimit: 2_500)
            _ = try await evaluator.processNext()
            #expect(try await fixture.stateCount() == 2_499)
            try await fixture.drain(evaluator)
            _ = try await evaluator.fireTimers()
            let each = "SELECT concat_ws('/', count(*), count(DISTINCT event_id)) FROM firings"
            #expect(try await fixture.value("test_each", each, as: String.self) == "2500/2500")
            #expect(try await fixture.stateCount() == 0)
        }
    }

    @Test("Timers mind the cooldown of their trigger, whoever loaded them")
    func cooldown() async throws {
        try await withEvaluators { fixture in
            _ = try await makeTrigger(fixture, more: #", "cooldown": "3s""#)
            try await fixture.append((0..<6).map { (#"{"n": \#($0), "order": \#($0)}"#, Double($0)) }, type: "Order")
            try await fixture.append("{}", at: 7, type: "Other")
            let evaluator = fixture.evaluator(batchLimit: 7)
            _ = try await evaluator.processNext()
            try await fixture.drain(fixture.evaluator())
            #expect(try await fixture.firings() == ["silence/0", "silence/3"])
        }
    }

    @Test("A timer whose trigger is off when it is due is let go, and holds up nobody else's")
    func disabled() async throws {
        try await withEvaluators { fixture in
            let trigger = try await makeTrigger(fixture)
            try await fixture.makeTrigger("other", types: "*", condition: Self.silence)
            let evaluator = fixture.evaluator(batchLimit: 2)
            try await fixture.append(#"{"n": 0, "order": 1}"#, at: 0, type: "Order")
            try await fixture.append(#"{"n": 1, "order": 2}"#, at: 1, type: "Order")
            try await fixture.append("{}", at: 2, type: "Other")
            // More is waiting, so that the clock fires nothing yet.
            for _ in 0..<2 { _ = try await evaluator.processNext() }
            try await fixture.replace(
                trigger, fixture.definition("off", types: "*", condition: Self.silence, more: #", "enabled": false"#))
            try await fixture.drain(evaluator)
            _ = try await evaluator.fireTimers()
            #expect(try await fixture.firings() == ["other/0", "other/1"])
            try await fixture.replace(trigger, fixture.definition("on", types: "*", condition: Self.silence))
            try await fixture.drain(evaluator)
            _ = try await evaluator.fireTimers()
            #expect(try await fixture.firings() == ["other/0", "other/1"])
        }
    }

    @Test("Organizations that share a part have clocks and timers of their own")
    func organizations() async throws {
        try await withEvaluators { fixture in
            var other = try await fixture.makeOrganization()
            while LogPart.part(of: other) != fixture.part { other = try await fixture.makeOrganization() }
            _ = try await makeTrigger(fixture)
            try await fixture.makeTrigger("theirs", types: "*", condition: Self.silence, of: other)
            try await fixture.append(#"{"n": 0, "order": 1}"#, at: 0, type: "Order")
            try await fixture.append(#"{"n": 1, "order": 1}"#, at: 0, type: "Order", of: other)
            // An hour later for the other organization, which says nothing of this one's clock.
            try await fixture.append(#"{"n": 2, "order": 2}"#, at: 3_600, type: "Order", of: other)
            try await fixture.append(#"{"order": 1}"#, at: 500, type: "Paid")
            let evaluator = fixture.evaluator(batchLimit: 1)
            for _ in 0..<5 { _ = try await evaluator.processNext() }
            #expect(try await fixture.firings() == ["theirs/1"])
            try await fixture.drain(evaluator)
            #expect(try await fixture.firings() == ["theirs/1", "theirs/2"])
        }
    }
}
