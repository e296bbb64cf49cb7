import EventModel
import JSONTree
import Testing

@testable import TriggerEngine

@Suite("Triggers that remember")
struct StatefulTests {
    /// The numbers of the events that fire a trigger, in their order; an event is `(seconds, data)`.
    private func fired(
        _ condition: String, _ events: [(Double, String)], more: String = "", until: Double? = nil
    ) throws -> [UInt64] {
        var run = EngineRun([try trigger(1, #""name":"t","condition":\#(condition)\#(more)"#)])
        var matches: [TriggerMatch] = []
        for (number, one) in events.enumerated() {
            matches += try run.take(event(UInt64(number), at: one.0, one.1))
        }
        if let until { matches += try run.advance(to: event(0, at: until, "{}").event.receivedAt) }
        return matches.filter { !$0.isSuppressed }.map(\.event.id.low)
    }

    private func numbers(_ values: [Int]) -> [(Double, String)] {
        values.enumerated().map { (Double($0.offset), #"{"n":\#($0.element)}"#) }
    }

    @Test(
        "An aggregate is held against its value, the event itself counted",
        arguments: [
            ("count", "", #""10s""#, ">=", "3", [1, 1, 1, 1], [2, 3]),
            ("count", "", #"{"events":2}"#, "=", "2", [1, 1, 1], [1, 2]),
            ("sum", "n", #"{"events":2}"#, ">", "5", [2, 3, 4, 1], [2]),
            ("avg", "n", #"{"events":2}"#, "=", "2.5", [2, 3, 2, 5], [1, 2]),
            ("min", "n", #"{"events":3}"#, ">=", "3", [1, 5, 4, 3, 2], [3]),
            ("max", "n", #""2s""#, "<", "5", [5, 4, 1, 7, 1, 2], [2, 5]),
            ("distinct", "n", #"{"events":3}"#, "=", "3", [1, 1, 2, 3, 3, 4], [3]),
            ("sum", "n", #""2s""#, "between", "[4,5]", [1, 4, 0, 9], [1, 2]),
            ("ema", "n", #"{"events":3}"#, "<", "50", [80, 60, 30, 0, 100], [3]),
        ])
    func aggregates(
        function: String, field: String, window: String, name: String, value: String, values: [Int], expected: [UInt64]
    ) throws {
        let field = field.isEmpty ? "" : #""field":"\#(field)","#
        let condition = """
            {"aggregate":"\(function)",\(field)"window":\(window),"operator":"\(name)","value":\(value)}
            """
        #expect(try fired(condition, numbers(values)) == expected)
    }

    @Test("Only events that a leaf counts make it true: its where, its field, its groups")
    func counted() throws {
        let condition = """
            {"aggregate":"sum","field":"n","window":"1h","where":{"field":"ok","operator":"eq","value":true},
             "group_by":["u"],"operator":">=","value":3}
            """
        let events: [(Double, String)] = [
            (0, #"{"n":2,"u":"a","ok":true}"#), (1, #"{"n":2,"u":"b","ok":true}"#),
            (2, #"{"n":9,"u":"a","ok":false}"#), (3, #"{"n":"9","u":"a","ok":true}"#), (4, #"{"n":9,"ok":true}"#),
            (5, #"{"n":9,"u":{},"ok":true}"#), (6, #"{"n":1,"u":"a","ok":true}"#),
        ]
        #expect(try fired(condition, events) == [6])
        #expect(try fired(#"{"not":\#(condition)}"#, events) == [0, 1, 2, 3, 4, 5])
    }

    @Test("State sees every event that reaches it, whether the rest of the tree matches or not")
    func sees() throws {
        let condition = """
            {"all":[{"field":"n","operator":">","value":5},
             {"aggregate":"count","window":"1h","operator":">=","value":3}]}
            """
        #expect(try fired(condition, numbers([1, 9, 1, 9, 1])) == [3])
    }

    @Test("In a flat list the conditions on one event say which events are counted")
    func flatList() throws {
        let list = """
            {"name":"t","conditions":[{"condition_type":"tag_equals","value":"x"},
             {"condition_type":"rate_limit","value":"2","config":{"time_window":60}}]}
            """
        let definition = try TriggerDefinition(try json(list))
        let made = Trigger(
            id: UniqueID(high: 0, low: 1), organizationID: UniqueID(high: 0, low: 2), version: 1,
            definition: definition, createdAt: Timestamp(milliseconds: 0), updatedAt: Timestamp(milliseconds: 0))
        var run = EngineRun([made])
        let data = [#"{"tag":"x"}"#, #"{"tag":"y"}"#, #"{"tag":"x"}"#, #"{"tag":"y"}"#]
        let matches = try data.enumerated().flatMap { try run.take(event(UInt64($0), at: Double($0), $1)) }
        #expect(matches.map(\.event.id.low) == [2])
    }

    @Test("The first version's forms mean what they meant")
    func seeds() throws {
        let ema = """
            {"condition_type":"ema_threshold","field":"n","operator":"<","value":"50","config":{"alpha":"0.5"}}
            """
        #expect(try fired(ema, numbers([80, 60, 30, 0, 100])) == [3])
        let rate = """
            {"condition_type":"rate_limit","operator":">=","value":2,
             "config":{"time_window":2,"reset_on_trigger":true}}
            """
        #expect(try fired(rate, numbers([1, 1, 1, 1, 1])) == [1, 3])
    }

    @Test("A window begins anew when the trigger fires, but not when it is suppressed")
    func resets() throws {
        let condition = """
            {"aggregate":"count","window":"1h","operator":">=","value":2,"reset_on_fire":true,"group_by":["n"]}
            """
        #expect(try fired(condition, numbers([1, 2, 1, 1, 2, 1])) == [2, 4, 5])
        let quiet = #","cooldown":"3s","cooldown_by":["n"]"#
        // Fires at 1; the second pair comes too soon and is kept, so that the fifth event fires at once.
        #expect(try fired(condition, numbers([1, 1, 1, 1, 1]), more: quiet) == [1, 4])
    }

    @Test("A sequence finds a chain in time, whatever lies between, and does not overlap")
    func sequences() throws {
        let condition = """
            {"sequence":[{"field":"n","operator":"eq","value":1},{"field":"n","operator":"eq","value":1},
             {"field":"n","operator":"eq","value":2}],"within":"3s"}
            """
        #expect(try fired(condition, numbers([1, 1, 2, 2, 1, 2, 1, 2])) == [2, 7])
        // The first two are too old at the end; the chain of the later ones is in time.
        #expect(try fired(condition, numbers([1, 1, 1, 1, 9, 2])) == [5])
        #expect(try fired(condition, numbers([1, 9, 1, 9, 9, 2])).isEmpty)
    }

    @Test("An absence fires when nothing came, once, before what was received later")
    func absences() throws {
        let condition = """
            {"absence":{"after":{"field":"k","operator":"eq","value":"order"},
             "expect":{"field":"k","operator":"eq","value":"paid"},"within":"10s","group_by":["o"]}}
            """
        let events: [(Double, String)] = [
            (0, #"{"k":"order","o":1}"#), (1, #"{"k":"order","o":2}"#), (5, #"{"k":"order","o":1}"#),
            (6, #"{"k":"paid","o":2}"#), (10, #"{"k":"paid","o":1}"#), (11, #"{"k":"order","o":1}"#),
        ]
        #expect(try fired(condition, events) == [0])
        #expect(try fired(condition, events, until: 20.9) == [0])
        #expect(try fired(condition, events, until: 21) == [0, 5])
        var run = EngineRun([try trigger(1, #""name":"t","condition":\#(condition)"#)])
        let begun = try event(0, at: 0, #"{"k":"order","o":1}"#)
        _ = try run.take(begun)
        let matches = try run.take(event(1, at: 60, #"{"k":"paid","o":1}"#))
        #expect(matches.map(\.at.microseconds) == [begun.event.receivedAt.microseconds + 10_000_000])
        #expect(matches.map(\.event) == [EventReference(begun.event)])
    }

    @Test("A cooldown suppresses by its key; a missing value is a key of its own")
    func cooldowns() throws {
        let events: [(Double, String)] = [
            (0, #"{"u":1}"#), (1, #"{"u":1}"#), (2, #"{"u":2}"#), (3, "{}"), (4, #"{"u":null}"#), (10, #"{"u":1.0}"#),
        ]
        let more = #","cooldown":"10s","cooldown_by":["u"]"#
        #expect(try fired(#"{"all":[]}"#, events, more: more) == [0, 2, 3, 5])
        #expect(try fired(#"{"all":[]}"#, events, more: #","cooldown":"10s""#) == [0, 5])
    }

    @Test("Time does not go back within a window")
    func clock() throws {
        let condition = #"{"aggregate":"count","window":"5s","operator":">=","value":3}"#
        let events: [(Double, String)] = [(10, "{}"), (3, "{}"), (14, "{}"), (16, "{}")]
        #expect(try fired(condition, events) == [2])
    }

    @Test("A full window merges neighbours and goes on counting all")
    func bounds() throws {
        var window = WindowState()
        var counts = StateCounts()
        let span = Aggregate.Window.time(90 * 86_400_000_000)
        for number in 1...25_000 { _ = window.add(1, at: Int64(number), .sum, span, counts: &counts) }
        #expect(window.add(1, at: 25_001, .sum, span, counts: &counts) == 25_001)
        #expect(window.live.count <= Int(Aggregate.maximumEvents) && counts.mergedWindows > 0)
        var values = WindowState()
        for number in 1...10_100 {
            let value = Double(bitPattern: UInt64(number))
            let count = values.add(value, at: Int64(number), .distinct, span, counts: &counts)
            #expect(count <= Double(Aggregate.maximumEvents))
        }
        #expect(counts.forgottenValues == 100)
    }

    @Test("A leaf has so many groups and no more, and those that are over make room")
    func groups() throws {
        var census = Census(stretch: 5)
        var admitted = (0..<Census.maximumGroups + 1).count { _ in census.admit(nil) }
        #expect(admitted == Int(Census.maximumGroups))
        // One that is known is admitted again; who goes makes room for one.
        admitted = [5, nil].count { census.admit($0) }
        #expect(admitted == 1)
        census.release(5)
        admitted = [nil, nil].count { census.admit($0) }
        #expect(admitted == 1)
        census.advance(to: 6)
        admitted = [nil, 5, nil].count { census.admit($0) }
        #expect(admitted == 1)
        census.advance(to: 7)
        admitted = [nil].count { census.admit($0) }
        #expect(admitted == 1)
        let condition = """
            {"absence":{"after":{"field":"k","operator":"eq","value":1},
             "expect":{"field":"k","operator":"eq","value":2},"within":"10s","group_by":["o"]}}
            """
        var run = EngineRun([try trigger(1, #""name":"t","condition":\#(condition)"#)])
        for order in 0..<50 {
            _ = try run.take(event(UInt64(2 * order), at: 0, #"{"k":1,"o":\#(order)}"#))
            if order < 40 { _ = try run.take(event(UInt64(2 * order + 1), at: 0, #"{"k":2,"o":\#(order)}"#)) }
        }
        let slot = try #require(
            run.engine.slots(of: UniqueID(high: 0, low: 1)).first { slot in
                run.table.state(StateKey(triggerID: UniqueID(high: 0, low: 1), slot: slot, group: [])) != nil
            })
        let place = StateKey(triggerID: UniqueID(high: 0, low: 1), slot: slot, group: [])
        let stretch = try event(0, at: 0, "{}").event.receivedAt.microseconds / 10_000_000
        #expect(run.table.state(place) == .census(Census(stretch: stretch, current: 10)))
        #expect(try run.advance(to: event(0, at: 11, "{}").event.receivedAt).count == 10)
        #expect(run.table.state(place) == .census(Census(stretch: stretch)))
    }

    @Test("Bytes that are no state are told and never trap")
    func damaged() throws {
        var run = EngineRun([
            try trigger(
                1, #""name":"t","condition":{"aggregate":"avg","field":"n","window":"1h","operator":">","value":5}"#)
        ])
        _ = try run.take(event(0, at: 0, #"{"n":1.5}"#))
        run.handOver()
        let (key, change) = try #require(run.stored.first)
        let bytes = try #require(change.bytes)
        var chance = SeededGenerator(seed: 9)
        for _ in 0..<2_000 {
            var damaged = bytes
            damaged[Int.random(in: 0..<damaged.count, using: &chance)] = UInt8.random(in: 0...255, using: &chance)
            var table = StateTable()
            _ = try? table.load(key, Array(damaged.prefix(Int.random(in: 0...damaged.count, using: &chance))))
            #expect(!table.lacks(key))
        }
        for length in 0..<bytes.count {
            #expect(throws: StateError.self) {
                var table = StateTable()
                try table.load(key, Array(bytes.prefix(length)))
            }
        }
    }

    @Test("An edit keeps the states of the leaves that it keeps")
    func edits() throws {
        func members(_ value: Int, _ window: String = "1h") -> String {
            #""name":"t","condition":{"aggregate":"count","window":"\#(window)","operator":"=","value":\#(value)}"#
        }
        var run = EngineRun([try trigger(1, members(9))])
        for number in 0..<3 { _ = try run.take(event(UInt64(number), at: Double(number), "{}")) }
        run.engine.put(try trigger(1, members(4)))
        #expect(try run.take(event(3, at: 3, "{}")).count == 1)
        run.engine.put(try trigger(1, members(1, "2h")))
        #expect(try run.take(event(4, at: 4, "{}")).count == 1)
    }

    @Test("An explanation has the truth value of each node and what was compared")
    func explanations() throws {
        let condition = """
            {"all":[{"field":"n","operator":">","value":1},{"not":{"field":"s","operator":"exists","value":true}},
             {"aggregate":"sum","field":"n","window":"1h","group_by":["u"],"operator":">=","value":5}]}
            """
        var run = EngineRun([try trigger(1, #""name":"t","condition":\#(condition)"#)])
        _ = try run.take(event(0, at: 0, #"{"n":2,"u":"a"}"#))
        let next = try event(1, at: 1, #"{"n":3,"u":"a"}"#)
        let (matches, explanation) = run.engine.evaluate(next, in: &run.table, explaining: UniqueID(high: 0, low: 1))
        #expect(matches.map(\.explanation) == [explanation])
        let expected = """
            {"value":true,"all":[{"value":true,"field":"data.n","operator":"gt","expected":1,"actual":3},\
            {"value":true,"not":{"value":false,"field":"data.s","operator":"exists","expected":true}},\
            {"value":true,"aggregate":"sum","field":"data.n","operator":"gte","expected":5,"actual":5,"counted":true,\
            "group":["a"]}]}
            """
        #expect(try json(String(decoding: explanation ?? [], as: UTF8.self)) == json(expected))
        let other = try event(2, at: 2, #"{"n":0}"#)
        let why = run.engine.evaluate(other, in: &run.table, explaining: UniqueID(high: 0, low: 1)).explanation
        #expect(try json(String(decoding: why ?? [], as: UTF8.self))["all"]?[2]?["counted"]?.bool == false)
    }

    @Test(
        "What is wrong is told with its place",
        arguments: [
            (#"{"aggregate":"median","window":"1h","operator":"=","value":1}"#, "/condition/aggregate"),
            (#"{"aggregate":"sum","window":"1h","operator":"=","value":1}"#, "/condition/field"),
            (#"{"aggregate":"count","operator":"=","value":1}"#, "/condition/window"),
            (#"{"aggregate":"count","window":"200d","operator":"=","value":1}"#, "/condition/window"),
            (#"{"aggregate":"ema","field":"n","window":"1h","operator":"=","value":1}"#, "/condition/window"),
            (#"{"aggregate":"count","window":{"events":0},"operator":"=","value":1}"#, "/condition/window"),
            (#"{"aggregate":"count","window":"1h","operator":"matches","value":"1"}"#, "/condition/operator"),
            (#"{"aggregate":"count","window":"1h","operator":"=","value":"1"}"#, "/condition/value"),
            (#"{"aggregate":"count","window":"1h","operator":"between","value":[2,1]}"#, "/condition/value"),
            (#"{"sequence":[{"all":[]}],"within":"1h"}"#, "/condition/sequence"),
            (
                #"{"all":[{"absence":{"after":{"all":[]},"expect":{"all":[]},"within":"1h"}}]}"#,
                "/condition/all/0/absence"
            ),
            (#"{"absence":{"after":{"all":[]},"within":"1h"}}"#, "/condition/absence/expect"),
            (
                #"{"aggregate":"count","window":"1h","operator":"=","value":1,"where":{"sequence":[],"within":"1h"}}"#,
                "/condition/where/sequence"
            ),
            (#"{"condition_type":"ema_threshold","value":1,"config":{"alpha":2}}"#, "/condition/config/alpha"),
        ])
    func problemsOfConditions(condition: String, place: String) throws {
        let found = problems { _ = try TriggerDefinition(try json(#"{"name":"t","condition":\#(condition)}"#)) }
        #expect(found.count == 1 && found[0].hasPrefix(place + ":"), "\(found)")
        #expect(!problems { _ = try Condition(try json(condition), pointer: "") }.isEmpty)
    }
}
