import EventModel
import EventStore
import PostgresWire
import Runtime
import TestKit
import Testing
import TriggerEngine

@testable import ProcessorProcess

@Suite("States and firings are those of the log, whoever evaluates it")
struct StatefulEvaluationTests {
    private static let falling = """
        {"aggregate": "ema", "field": "data.score", "window": {"events": 3}, "group_by": ["data.user"],
         "operator": "<", "value": 40}
        """
    private static let burst = """
        {"aggregate": "count", "window": "10s", "group_by": ["data.user"], "operator": ">=", "value": 3,
         "reset_on_fire": true}
        """

    private func scores(_ count: Int) -> [(data: String, at: Double)] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { n in
            let score = Int.random(in: 0..<100, using: &generator)
            return (#"{"n": \#(n), "user": \#(n % 5), "score": \#(score)}"#, Double(n) * 0.9)
        }
    }

    private func states(_ fixture: EvaluatorFixture) async throws -> String {
        try await fixture.value(
            "test_all_states",
            """
            SELECT coalesce(string_agg(
                concat_ws(' ', trigger_id, slot, encode(group_key, 'hex'), encode(state, 'hex'), due_at), E'\\n'
                ORDER BY trigger_id, slot, group_key), '') FROM trigger_states
            """)
    }

    @Test("Replicas that take turns come to what one alone comes to, states byte for byte", arguments: 1...3)
    func replicas(round: Int) async throws {
        try await withEvaluators { fixture in
            try await fixture.makeTrigger("falling", condition: Self.falling)
            try await fixture.makeTrigger(
                "burst", condition: Self.burst, more: #", "cooldown": "20s", "cooldown_by": ["data.user"]"#)
            try await fixture.append(scores(400))
            try await fixture.drain(fixture.evaluator())
            let expected = (try await fixture.firings(), try await states(fixture))
            #expect(expected.0.count > 20 && !expected.1.isEmpty)

            try await fixture.script(
                "DELETE FROM trigger_states; DELETE FROM firings; UPDATE follower_positions SET position = 0")
            var replicas = (1...3).map { fixture.evaluator(batchLimit: $0 * 7) }
            while true {
                let index = Int.random(in: replicas.indices)
                guard try await replicas[index].processNext().events > 0 else { break }
                // What was killed remembers nothing.
                if Int.random(in: 0..<5) == 0 { replicas[index] = fixture.evaluator(batchLimit: 11) }
            }
            #expect(try await fixture.firings() == expected.0)
            #expect(try await states(fixture) == expected.1)
        }
    }

    @Test("A batch that fails leaves no trace, in the database or in memory")
    func failure() async throws {
        try await withEvaluators { fixture in
            try await fixture.makeTrigger("burst", condition: Self.burst)
            let evaluator = fixture.evaluator()
            try await fixture.append((0..<2).map { (#"{"n": \#($0), "user": 1}"#, Double($0)) })
            try await fixture.drain(evaluator)
            try await fixture.script("ALTER TABLE firings RENAME TO away")
            try await fixture.append(#"{"n": 2, "user": 1}"#, at: 2)
            for _ in 0..<3 {
                await #expect(throws: PostgresError.self) { try await evaluator.processNext() }
            }
            try await fixture.script("ALTER TABLE away RENAME TO firings")
            try await fixture.append(#"{"n": 3, "user": 1}"#, at: 3)
            try await fixture.drain(evaluator)
            #expect(try await fixture.firings() == ["burst/2"])
        }
    }

    @Test("What is remembered is not read again, and not trusted once somebody else was there")
    func memory() async throws {
        try await withEvaluators { fixture in
            try await fixture.makeTrigger("burst", condition: Self.burst)
            let (one, other) = (fixture.evaluator(), fixture.evaluator())
            for n in 0..<9 {
                try await fixture.append(#"{"n": \#(n), "user": 1}"#, at: Double(n))
                try await fixture.drain(n % 4 == 3 ? other : one)
            }
            #expect(try await fixture.firings() == ["burst/2", "burst/5", "burst/8"])
            // Behind the back of whoever remembers: it goes on with what it knows.
            try await fixture.script("DELETE FROM trigger_states")
            for n in 9..<12 {
                try await fixture.append(#"{"n": \#(n), "user": 1}"#, at: Double(n))
                try await fixture.drain(one)
            }
            #expect(try await fixture.firings().last == "burst/11")
        }
    }

    @Test("A trigger is switched off and on without loss, and an edit that keeps the leaf keeps its state")
    func edits() async throws {
        try await withEvaluators { fixture in
            let trigger = try await fixture.makeTrigger("burst", condition: Self.burst)
            let evaluator = fixture.evaluator()
            func send(_ n: Int) async throws {
                try await fixture.append(#"{"n": \#(n), "user": 1}"#, at: Double(n))
                try await fixture.drain(evaluator)
            }
            try await send(0)
            try await fixture.replace(
                trigger, fixture.definition("burst", condition: Self.burst, more: #", "enabled": false"#))
            try await send(1)
            let raised = Self.burst.replacing(#""value": 3"#, with: #""value": 2"#)
            try await fixture.replace(trigger, fixture.definition("raised", condition: raised))
            try await send(2)
            #expect(try await fixture.firings() == ["raised/2"])
            _ = try await fixture.triggers.delete(trigger.id, organizationID: fixture.organization)
            try await send(3)
            #expect(try await fixture.firings() == ["raised/2"])
        }
    }

    @Test("States of deleted triggers and states that expired are swept away, from parts at rest and from busy ones")
    func sweeping() async throws {
        try await withEvaluators { fixture in
            let gone = try await fixture.makeTrigger("falling", condition: Self.falling)
            try await fixture.makeTrigger("burst", condition: Self.burst)
            let evaluator = fixture.evaluator()
            try await fixture.append(scores(10))
            try await fixture.drain(evaluator)
            #expect(try await fixture.stateCount() == 10)
            _ = try await fixture.triggers.delete(gone.id, organizationID: fixture.organization)
            try await fixture.drain(evaluator)
            for _ in 0..<LogPart.count { try await evaluator.sweepNext() }
            #expect(try await fixture.stateCount() == 0)
        }
    }

    @Test("A version in shadow has states and firings of its own, and nothing follows from them")
    func shadow() async throws {
        try await withEvaluators { fixture in
            let actions =
                #", "actions": [{"type": "emit", "config": {"event_type": "Emitted"}}, "#
                + #"{"type": "rest", "config": {"url": "http://127.0.0.1:9/"}}]"#
            let trigger = try await fixture.makeTrigger("burst", condition: Self.burst, more: actions)
            let quick = Self.burst.replacing(#""value": 3"#, with: #""value": 2"#)
            try await fixture.replace(trigger, fixture.definition("quick", condition: quick, more: actions))
            try await fixture.script("UPDATE triggers SET current_version = 1, shadow_version = 2")
            try await fixture.append((0..<4).map { (#"{"n": \#($0), "user": 1}"#, Double($0)) })
            try await fixture.drain(fixture.evaluator())
            #expect(try await fixture.firings() == ["(quick/1)", "burst/2", "(quick/3)"])
            #expect(try await fixture.value("test_deliveries", "SELECT count(*) FROM deliveries", as: Int.self) == 1)
            #expect(
                try await fixture.value(
                    "test_emitted", "SELECT count(*) FROM events WHERE type = 'Emitted'", as: Int.self) == 1)
        }
    }
}
