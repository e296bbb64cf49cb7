import ActionModel
import EventModel
import JSONTree
import Testing

@testable import TriggerEngine

@Suite("Trigger definitions")
struct TriggerDefinitionTests {
    private func definition(_ text: String, from previous: TriggerDefinition? = nil) throws -> TriggerDefinition {
        try TriggerDefinition(try json(text), secretsFrom: previous)
    }

    private func written(_ definition: TriggerDefinition, _ secrets: SecretMode = .plain) -> String {
        var writer = JSONWriter()
        writer.object { definition.write(to: &$0, secrets: secrets) }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private static func telegram(_ token: String) -> String {
        #"{"type":"telegram","config":{"bot_token":"\#(token)","chat_id":1,"text":"x"}}"#
    }

    @Test("Only the name is required")
    func smallest() throws {
        let trigger = try definition(#"{"name":"all"}"#)
        #expect(trigger.enabled && trigger.eventTypes.isEmpty && trigger.condition == nil && trigger.actions.isEmpty)
        #expect(
            written(trigger)
                == #"{"name":"all","description":null,"enabled":true,"event_types":[],"condition":null,"actions":[]}"#)
    }

    @Test("A definition reads back as the same, its condition as written")
    func roundTrip() throws {
        for condition in [
            #""condition": { "condition_type":"score_threshold", "value":"0.8" }"#,
            #""conditions":[{"condition_type":"tag_equals","value":"vip"},{"field":"n","operator":">","value":1.50}]"#,
            #""condition":{"not":{"any":[]}}"#,
        ] {
            let first = try definition(
                #"{"name":"t","description":"d","enabled":false,"event_types":["a.*","b"],\#(condition),"#
                    + #""actions":[\#(Self.telegram("1:a"))]}"#)
            let text = written(first)
            #expect(written(try definition(text)) == text)
            #expect(text.contains(condition.replacing(#"": { "#, with: #"":{ "#)))
        }
    }

    @Test("What the API adds when it shows a trigger is passed over")
    func shownMembers() throws {
        let shown = #"{"id":"x","version":3,"created_at":"…","updated_at":"…","name":"t"}"#
        #expect(try definition(shown).name == "t")
    }

    @Test("Everything that is wrong is said at once, with its place")
    func allProblems() {
        let found = problems {
            _ = try definition(
                #"""
                {"name":"","enabled":"yes","event_types":["",5],"condition":{"field":"n"},"conditions":[],\#
                "actions":[{"type":"llm","config":{}},{"type":"rest","config":{"url":"x"}}],"cooldown":"5","typo":1}
                """#)
        }
        #expect(
            found.map { String($0.prefix { $0 != ":" }) } == [
                "/name", "/enabled", "/event_types/0", "/event_types/1", "/conditions", "/condition/operator",
                "/condition/value", "/cooldown", "/actions/0/config/prompt", "/actions/1/config/url", "/typo",
            ])
        #expect(problems { _ = try definition("[]") }.count == 1)
        #expect(problems { _ = try definition("{}") } == ["/name: is required"])
    }

    @Test("Masked secrets stay with their actions, in another order too")
    func keptSecrets() throws {
        let first = try definition(
            #"{"name":"t","actions":[\#(Self.telegram("1:a")),\#(Self.telegram("2:b")),\#(Self.telegram("2:c"))]}"#)
        #expect(written(try definition(written(first, .masked), from: first)) == written(first))
        let moved = #"{"name":"t","actions":[\#(Self.telegram("2:••••")),\#(Self.telegram("1:••••"))]}"#
        let second = try definition(moved, from: first)
        #expect(written(second).contains(#"[\#(Self.telegram("2:b")),\#(Self.telegram("1:a"))]"#))
        #expect(problems { _ = try definition(moved) }.count == 2)
    }
}

@Suite("Triggers of an organization")
struct TriggerMatchingTests {
    /// Names of the triggers that an event fires; they are put in the order of their ids.
    private func fired(_ definitions: [String], _ event: ParsedEvent) throws -> [String] {
        var engine = TriggerEngine()
        for (number, members) in definitions.enumerated() {
            engine.put(try trigger(UInt64(number), members))
        }
        var table = StateTable()
        return engine.evaluate(event, in: &table).map(\.trigger.definition.name)
    }

    @Test("Each enabled trigger whose types and condition fit fires once, in the order of the ids")
    func matching() throws {
        let all = [
            #""name":"glob","event_types":["order.*"]"#,
            #""name":"exact","event_types":["order.paid","order.paid","x"]"#,
            #""name":"disabled","enabled":false"#,
            #""name":"other","event_types":["order.made"]"#,
            #""name":"everything""#,
            #""name":"both","event_types":["order.paid","*.paid"]"#,
            #""name":"big","condition":{"field":"n","operator":">","value":5}"#,
            #""name":"exact big","event_types":["order.paid"],"condition":{"field":"n","operator":">","value":5}"#,
        ]
        let small = ["glob", "exact", "everything", "both"]
        #expect(try fired(all, event(#"{"n":1}"#)) == small)
        #expect(try fired(all, event(#"{"n":6}"#)) == small + ["big", "exact big"])
        #expect(try fired(all, event("{}", type: "x")) == ["exact", "everything"])
        #expect(try fired([], event("{}")).isEmpty)
    }

    @Test("Types are compared by bytes")
    func typesByBytes() throws {
        let composed = [#""name":"composed","event_types":["caf\u00e9"]"#]
        #expect(try fired(composed, event("{}", type: "caf\u{E9}")).count == 1)
        #expect(try fired(composed, event("{}", type: "cafe\u{301}")).isEmpty)
    }

    @Test("Collider's own events reach only triggers that ask for them")
    func ownEvents() throws {
        let all = [
            #""name":"everything""#, #""name":"star","event_types":["*"]"#,
            #""name":"suffix","event_types":["*.created"]"#,
            #""name":"own","event_types":["collider.trigger.*","*"]"#,
            #""name":"other own","event_types":["collider.x"]"#,
        ]
        #expect(try fired(all, event("{}", type: "collider.trigger.created")) == ["own"])
        #expect(try fired(all, event("{}", type: "colliders.created")) == ["everything", "star", "suffix", "own"])
    }

    @Test("A trigger is replaced and removed by its id and role")
    func changes() throws {
        var engine = TriggerEngine()
        var table = StateTable()
        engine.put(try trigger(1, #""name":"first""#))
        engine.put(try trigger(1, #""name":"second""#))
        engine.put(try trigger(1, #""name":"shadow""#, role: .shadow))
        let paid = try event("{}")
        #expect(engine.evaluate(paid, in: &table).map(\.trigger.definition.name) == ["second", "shadow"])
        engine.remove(UniqueID(high: 0, low: 1))
        #expect(engine.evaluate(paid, in: &table).map(\.trigger.definition.name) == ["shadow"])
        engine.put(try trigger(1, #""name":"off","enabled":false"#, role: .shadow))
        #expect(engine.count == 0 && engine.evaluate(paid, in: &table).isEmpty)
    }
}
