import EventModel
import JSONTree
import Testing

@testable import ActionModel

@Suite("Actions that make events")
struct EmitActionTests {
    private func emit(_ config: String) throws -> EmitAction {
        guard case .emit(let action) = try action(#"{"type":"emit","config":\#(config)}"#).config else {
            throw JSONValidationError(pointer: "", detail: "not an emit action")
        }
        return action
    }

    private func firing(_ data: String, metadata: String? = nil) throws -> Firing {
        let plain = try ActionModelTests.firing(data, subject: "s-1")
        let event = plain.event.event
        let derived = Event(
            id: event.id, organizationID: event.organizationID, part: event.part, position: event.position,
            type: event.type, source: event.source, subject: event.subject, time: event.time,
            receivedAt: event.receivedAt, producerID: nil, traceparent: "00-a-b-01", data: event.data,
            metadata: metadata.map { Array($0.utf8) })
        return Firing(
            id: plain.id, triggerID: plain.triggerID, triggerName: plain.triggerName,
            triggerVersion: plain.triggerVersion, firedAt: plain.firedAt, event: try ParsedEvent(derived))
    }

    private let time = Timestamp(microseconds: 1_700_000_000_000_000)

    private func error(_ action: EmitAction, _ firing: Firing) -> EmitError? {
        do throws(EmitError) {
            _ = try action.envelope(for: firing, at: time)
            return nil
        } catch {
            return error
        }
    }

    @Test("The event is rendered with the types of its values, and names its cause")
    func rendering() throws {
        let action = try emit(
            #"{"event_type":"Risk.Raised","data":{"amount":"{{amount}}","note":"by {{trigger.name}}","#
                + #""list":["{{x}}"]},"subject":"{{subject}}/{{amount}}"}"#)
        let firing = try firing(#"{"amount":12.50,"x":null}"#)
        let envelope = try action.envelope(for: firing, at: time)
        #expect(envelope.type == "Risk.Raised" && envelope.subject == "s-1/12.50" && envelope.time == time)
        #expect(envelope.traceparent == "00-a-b-01" && envelope.producerID == nil)
        #expect(text(envelope.data) == #"{"amount":12.50,"note":"by big payments","list":[null]}"#)
        let metadata = try JSONDocument(envelope.metadata ?? []).root
        #expect(metadata["depth"]?.int64 == 1)
        #expect(metadata["cause"]?["event_id"]?.string == firing.event.event.id.description)
        #expect(metadata["cause"]?["trigger_id"]?.string == firing.triggerID.description)
        #expect(metadata["cause"]?["firing_id"]?.string == firing.id.description)
    }

    @Test("Without data it says what the payload of a rest action does; an empty subject is none")
    func defaults() throws {
        let envelope = try emit(#"{"event_type":"A","subject":"{{nothing | default: ''}}"}"#)
            .envelope(for: try firing(#"{"n":1}"#), at: time)
        #expect(envelope.subject == nil)
        let data = try JSONDocument(envelope.data).root
        #expect(data["event"]?["data"]?["n"]?.int64 == 1 && data["trigger"]?["version"]?.int64 == 7)
        #expect(data["firing_id"]?.string != nil)
    }

    @Test("A chain of eight is whole, and the ninth is cut", arguments: [(0, 1), (1, 2), (7, 8)])
    func depth(of parent: Int, becomes depth: Int) throws {
        let metadata = #"{"cause":{"event_id":"x"},"depth":\#(parent)}"#
        let envelope = try emit(#"{"event_type":"A"}"#).envelope(for: try firing("{}", metadata: metadata), at: time)
        #expect(try JSONDocument(envelope.metadata ?? []).root["depth"]?.int64 == Int64(depth))
    }

    @Test(
        "Depths beyond the bound, and those that nobody gave out, end the chain",
        arguments: [#"{"cause":{},"depth":8}"#, #"{"cause":{},"depth":900}"#, #"{"cause":{},"depth":-1}"#])
    func tooDeep(metadata: String) throws {
        #expect(error(try emit(#"{"event_type":"A"}"#), try firing("{}", metadata: metadata)) == .depth(9))
    }

    @Test("What came with a producer's event is no derivation", arguments: [#"{"depth":8}"#, #"{"headers":{}}"#])
    func foreignMetadata(metadata: String) throws {
        #expect(error(try emit(#"{"event_type":"A"}"#), try firing("{}", metadata: metadata)) == nil)
    }

    @Test("What the log would refuse is not made")
    func refused() throws {
        let deep = String(repeating: "[", count: 60) + String(repeating: "]", count: 60)
        let nested = try emit(#"{"event_type":"A","data":{"a":{"b":{"c":{"d":{"e":"{{x}}"}}}}}}"#)
        #expect(error(nested, try firing(#"{"x":\#(deep)}"#)) != nil)
        let large = try emit(#"{"event_type":"A","data":{"a":"{{x}}","b":"{{x}}","c":"{{x}}"}}"#)
        #expect(error(large, try firing(#"{"x":"\#(String(repeating: "x", count: 400_000))"}"#)) != nil)
        let subject = try emit(#"{"event_type":"A","subject":"{{x}}"}"#)
        #expect(error(subject, try firing(#"{"x":"\#(String(repeating: "x", count: 600))"}"#)) != nil)
        #expect(error(subject, try firing(#"{"x":"a\nb"}"#)) != nil)
    }

    @Test("A definition is written as it was read")
    func roundTrip() throws {
        let text = #"{"type":"emit","config":{"event_type":"A","data":{"x": "{{y}}"},"subject":"s"}}"#
        #expect(try action(text).written(.masked) == text)
    }

    @Test("Everything that is wrong with a definition is told")
    func problemsOfDefinitions() {
        let found = problems {
            _ = try action(
                #"{"type":"emit","config":{"event_type":"collider.x","data":[1],"subject":"{{","more":1},"retry":{}}"#)
        }
        #expect(
            Set(found.map { String($0.prefix { $0 != ":" }) }) == [
                "/actions/0/config/event_type", "/actions/0/config/data", "/actions/0/config/subject",
                "/actions/0/config/more", "/actions/0/retry",
            ])
        #expect(!problems { _ = try action(#"{"type":"emit","config":{"data":{}}}"#) }.isEmpty)
        #expect(!problems { _ = try action(#"{"type":"emit","config":{"event_type":"a\u0001"}}"#) }.isEmpty)
    }
}
