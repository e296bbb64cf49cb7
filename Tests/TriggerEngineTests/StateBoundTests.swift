import EventModel
import JSONTree
import Testing

@testable import TriggerEngine

@Suite("Full windows and damaged states")
struct StateBoundTests {
    /// Adds an event a millisecond and says what the number is after each length of the window.
    private func numbers(_ function: Aggregate.Function, _ value: (Int) -> Double) -> [Double] {
        var window = WindowState()
        var counts = StateCounts()
        var found: [Double] = []
        for index in 1...400_000 {
            let number = window.add(
                value(index), at: Int64(index) * 1_000, function, .time(100_000_000), counts: &counts)
            if index.isMultiple(of: 100_000) { found.append(number) }
        }
        #expect(counts.mergedWindows > 0)
        #expect(window.live.count <= Int(Aggregate.maximumEvents))
        return found
    }

    @Test("Events leave a full window however long they have kept coming", arguments: [Aggregate.Function.count, .sum])
    func leaving(function: Aggregate.Function) {
        // What a 5,000th of the window holds, and no more, leaves late.
        for number in numbers(function, { _ in 1 }) { #expect((100_000...100_020).contains(number), "\(number)") }
    }

    @Test("The greatest leaves a full window at most a stretch late")
    func extremes() {
        let found = numbers(.max) { Double(-$0) }
        for (index, number) in found.enumerated() {
            let first = Double(-(index * 100_000 + 1))
            #expect((first...first + 20).contains(number), "\(number)")
        }
    }

    /// Triggers with a state of each form.
    private func triggers() throws -> [Trigger] {
        let step = #"{"field":"n","operator":"gte","value":0}"#
        let aggregates = Aggregate.Function.allCases.map { function in
            let window = function == .ema ? #"{"events":5}"# : #""1h""#
            return #"""
                {"aggregate":"\#(function.rawValue)","field":"n","window":\#(window),"operator":"lt","value":0,\#
                "group_by":["u"]}
                """#
        }
        let sequence = #"{"sequence":[\#(step),\#(step),\#(step),\#(step)],"within":"1m","group_by":["u"]}"#
        let absence = #"{"absence":{"after":\#(step),"expect":{"any":[]},"within":"1h","group_by":["u"]}}"#
        return [
            try trigger(1, #""name":"a","condition":{"any":[\#((aggregates + [sequence]).joined(separator: ","))]}"#),
            try trigger(2, #""name":"b","condition":\#(absence),"cooldown":"1m","cooldown_by":["u"]"#),
            try trigger(3, #""name":"c","cooldown":"1m","cooldown_by":["u"]"#),
        ]
    }

    @Test("Whatever bytes a state is read from, evaluating goes on, and what comes of it can be read again")
    func evaluatingDamage() throws {
        let triggers = try triggers()
        var run = EngineRun(triggers)
        for (index, value) in ["1", "2.5", "-7"].enumerated() {
            _ = try run.take(event(UInt64(index), at: Double(index), #"{"n":\#(value),"u":"x"}"#))
        }
        run.handOver()
        let samples = run.stored.values.compactMap(\.bytes)
        #expect(samples.count >= 10)
        let extremes: [[UInt8]] = [
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], [0xFE, 0xFF, 0xFF, 0xFF, 0x7F], [0],
        ]
        var chance = SeededGenerator(seed: 4)
        let next = try event(9, at: 3, #"{"n":3,"u":"x"}"#)
        for bytes in samples {
            for _ in 0..<200 {
                var damaged = bytes
                let place = Int.random(in: 2..<damaged.count, using: &chance)
                if Bool.random(using: &chance) {
                    damaged.replaceSubrange(place...place, with: extremes[Int.random(in: 0..<3, using: &chance)])
                } else {
                    damaged[place] = UInt8.random(in: 0...255, using: &chance)
                }
                try evaluate(next, triggers, damaged)
            }
        }
    }

    /// Evaluates an event with the same bytes as each state.
    private func evaluate(_ event: ParsedEvent, _ triggers: [Trigger], _ bytes: [UInt8]) throws {
        var engine = TriggerEngine()
        for trigger in triggers { engine.put(trigger) }
        var table = StateTable()
        var keys: Set<StateKey> = []
        engine.collectKeys(event, into: &keys)
        for key in keys { try? table.load(key, bytes) }
        _ = engine.evaluate(event, in: &table)
        _ = engine.advance(to: Timestamp(microseconds: event.event.receivedAt.microseconds * 2), in: &table)
        for change in table.takeChanges() {
            if let bytes = change.bytes { #expect(throws: Never.self) { _ = try MachineState.decode(bytes) } }
        }
    }
}
