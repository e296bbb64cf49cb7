import JSONTree
import Testing

@testable import TriggerEngine

@Suite("Condition trees")
struct ConditionTests {
    private static let yes = #"{"field":"n","operator":"eq","value":1}"#
    private static let no = #"{"field":"n","operator":"eq","value":2}"#

    @Test(
        "all, any and not, the empty ones included",
        arguments: [
            (#"{"all":[]}"#, true), (#"{"any":[]}"#, false), (#"{"not":{"all":[]}}"#, false),
            (#"{"all":[\#(yes),\#(yes)]}"#, true), (#"{"all":[\#(yes),\#(no)]}"#, false),
            (#"{"any":[\#(no),\#(yes)]}"#, true), (#"{"any":[\#(no),\#(no)]}"#, false), (#"{"not":\#(no)}"#, true),
            (#"{"conditions":[\#(yes),\#(no)]}"#, false), (#"{"not":{"any":[\#(no),{"not":\#(yes)}]}}"#, true),
            (#"{"any":[{"all":[]},\#(no)]}"#, true), (#"{"all":[{"any":[]},\#(yes)]}"#, false),
        ])
    func combinations(text: String, expected: Bool) throws {
        #expect(try holds(text, #"{"n":1}"#) == expected)
    }

    @Test("not includes events that lack the field")
    func negatedMissing() throws {
        #expect(try holds(#"{"not":{"field":"x","operator":"eq","value":1}}"#, "{}"))
        #expect(try !holds(#"{"field":"x","operator":"ne","value":1}"#, "{}"))
    }

    @Test("All problems of a tree are reported, each with its place")
    func allProblems() {
        let found = problems {
            _ = try condition(
                #"""
                {"all":[{"field":"n","operator":"??","value":1,"extra":1},{"any":5},7,{"not":{"operator":"eq"}},\#
                {"all":[],"any":[]},{"field":"n","operator":"gt","value":[]},{"aggregate":"sum"}]}
                """#)
        }
        #expect(
            found.map { String($0.prefix { $0 != ":" }) } == [
                "/all/0/operator", "/all/0/extra", "/all/1/any", "/all/2", "/all/3/not/field", "/all/3/not/value",
                "/all/4/any", "/all/5/value", "/all/6/aggregate",
            ])
    }

    @Test(
        "Conditions that need earlier events are refused where one is looked at alone",
        arguments: [
            (#"{"aggregate":"count","window":"5m","operator":"gt","value":3}"#, "/aggregate"),
            (#"{"sequence":[],"within":"1m"}"#, "/sequence"), (#"{"absence":{}}"#, "/absence"),
            (#"{"condition_type":"ema_threshold","field":"x","operator":">","value":1}"#, "/condition_type"),
            (#"{"condition_type":"rate_limit","value":5,"config":{"time_window":60}}"#, "/condition_type"),
        ])
    func stateful(text: String, place: String) {
        let found = problems { _ = try condition(text) }
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("\(place): ") == true)
        #expect(found.first?.hasSuffix("this condition looks at one event alone") == true)
    }

    @Test("A tree has bounds in depth and size")
    func bounds() {
        func nested(_ depth: Int) -> String {
            String(repeating: #"{"not":"#, count: depth - 1) + Self.yes + String(repeating: "}", count: depth - 1)
        }
        func wide(_ count: Int) -> String {
            #"{"any":["# + [String](repeating: Self.yes, count: count).joined(separator: ",") + "]}"
        }
        #expect(problems { _ = try condition(nested(16)) }.isEmpty)
        #expect(problems { _ = try condition(nested(17)) }.count == 1)
        #expect(problems { _ = try condition(wide(499)) }.isEmpty)
        #expect(problems { _ = try condition(wide(500)) }.count == 1)
        #expect(problems { _ = try condition(wide(1_500)) }.count == 1)
        let list = [String](repeating: "1", count: 1_001).joined(separator: ",")
        #expect(problems { _ = try condition(#"{"field":"n","operator":"in","value":[\#(list)]}"#) }.count == 1)
    }
}

@Suite("Seed conditions")
struct SeedConditionTests {
    @Test(
        "Seed forms mean what they meant",
        arguments: [
            (#"{"condition_type":"event_type_equals","value":"order.paid"}"#, "{}", true),
            (#"{"condition_type":"event_type_equals","value":"order.made"}"#, "{}", false),
            (#"{"condition_type":"event_type_equals","operator":"!=","value":"order.made"}"#, "{}", true),
            (#"{"condition_type":"event_type_equals","field":"type","operator":"=","value":"order.paid"}"#, "{}", true),
            (#"{"condition_type":"agent_id_equals","value":"a-1"}"#, #"{"agent_id":"a-1"}"#, true),
            (#"{"condition_type":"agent_id_equals","value":"a-1"}"#, #"{"agent_id":"a-2"}"#, false),
            (#"{"condition_type":"agent_id_equals","field":"actor","value":"a-1"}"#, #"{"actor":"a-1"}"#, true),
            (#"{"condition_type":"score_threshold","value":0.8}"#, #"{"score":0.8}"#, true),
            (#"{"condition_type":"score_threshold","value":"0.8"}"#, #"{"score":0.9}"#, true),
            (#"{"condition_type":"score_threshold","operator":">","value":"0.8"}"#, #"{"score":0.8}"#, false),
            (#"{"condition_type":"score_threshold","field":"risk","operator":"<","value":5}"#, #"{"risk":4}"#, true),
            (#"{"condition_type":"score_threshold","value":1,"config":{}}"#, #"{"score":"2"}"#, false),
            (#"{"condition_type":"tag_equals","value":"vip"}"#, #"{"tags":["new","vip"]}"#, true),
            (#"{"condition_type":"tag_equals","value":"vip"}"#, #"{"tag":"vip"}"#, true),
            (#"{"condition_type":"tag_equals","value":"vip"}"#, #"{"tags":["vips"]}"#, false),
            (
                #"{"condition_type":"tag_equals","field":"labels","value":"vip"}"#, #"{"labels":["vip"],"tag":"x"}"#,
                true
            ),
        ])
    func meanings(text: String, data: String, expected: Bool) throws {
        #expect(try holds(text, data) == expected)
    }

    @Test(
        "What makes no sense in a seed form is refused",
        arguments: [
            (#"{"condition_type":"moon_phase","value":1}"#, "/condition_type"),
            (#"{"condition_type":"score_threshold","value":"high"}"#, "/value"),
            (#"{"condition_type":"score_threshold"}"#, "/value"),
            (#"{"condition_type":"tag_equals","operator":"gt","value":"x"}"#, "/operator"),
            (#"{"condition_type":"tag_equals","value":5}"#, "/value"),
            (#"{"condition_type":"agent_id_equals","value":"x","config":{"window_size":5}}"#, "/config"),
            (#"{"condition_type":"agent_id_equals","value":"x","agent":"y"}"#, "/agent"),
            (#"{"condition_type":"agent_id_equals","field":5,"value":"x"}"#, "/field"),
        ])
    func refusals(text: String, place: String) {
        let found = problems { _ = try condition(text) }
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("\(place): ") == true, "\(found)")
    }
}
