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
                "actions":[{"type":"llm","config":{}},{"type":"rest","config":{"url":"x"}}],"cooldown":"5m","typo":1}
                """#)
        }
        #expect(
            found.map { String($0.prefix { $0 != ":" }) } == [
                "/name", "/enabled", "/event_types/0", "/event_types/1", "/conditions", "/condition/operator",
                "/condition/value", "/actions/0/type", "/actions/1/config/url", "/cooldown", "/typo",
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

@Suite("Trigger sets")
struct TriggerSetTests {
    private func trigger(_ name: String, _ members: String = "") throws -> Trigger {
        let definition = try TriggerDefinition(
            try json(#"{"name":"\#(name)"\#(members.isEmpty ? "" : ",")\#(members)}"#))
        let time = Timestamp(milliseconds: 0)
        return Trigger(
            id: UniqueID(high: 0, low: 1), organizationID: UniqueID(high: 0, low: 2), version: 1,
            definition: definition,
            createdAt: time, updatedAt: time)
    }

    @Test("Each enabled trigger whose types and condition fit fires once, in the order given")
    func matching() throws {
        var set = TriggerSet([
            try trigger("glob", #""event_types":["order.*"]"#),
            try trigger("exact", #""event_types":["order.paid","order.paid","x"]"#),
            try trigger("disabled", #""enabled":false"#),
            try trigger("other", #""event_types":["order.made"]"#),
            try trigger("everything"),
            try trigger("both", #""event_types":["order.paid","*.paid"]"#),
            try trigger("big", #""condition":{"field":"n","operator":">","value":5}"#),
            try trigger(
                "exact big", #""event_types":["order.paid"],"condition":{"field":"n","operator":">","value":5}"#),
        ])
        #expect(set.matches(try event(#"{"n":1}"#)).map(\.definition.name) == ["glob", "exact", "everything", "both"])
        #expect(
            set.matches(try event(#"{"n":6}"#)).map(\.definition.name)
                == ["glob", "exact", "everything", "both", "big", "exact big"])
        #expect(set.matches(try event("{}", type: "x")).map(\.definition.name) == ["exact", "everything"])
        var none = TriggerSet([])
        #expect(none.matches(try event("{}")).isEmpty)
    }

    @Test("Types are compared by bytes")
    func typesByBytes() throws {
        var set = TriggerSet([try trigger("composed", #""event_types":["caf\u00e9"]"#)])
        #expect(set.matches(try event("{}", type: "caf\u{E9}")).count == 1)
        #expect(set.matches(try event("{}", type: "cafe\u{301}")).isEmpty)
    }
}
