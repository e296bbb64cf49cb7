import EventModel
import JSONTree

/// The event that the answer to an action becomes.
///
/// The answer is data and nothing more: type, source and cause are the action's and the firing's, the subject is that
/// of the event that was asked about.
public struct AnswerEvent: Sendable {
    private let type: String
    private let firing: Firing
    private let derivation: Derivation

    /// Prepares the event, before anybody is asked.
    ///
    /// - Throws: when it would derive from too many others.
    init(type: String, for firing: Firing) throws(EmitError) {
        self.type = type
        self.firing = firing
        derivation = try Derivation(following: firing)
    }

    /// The event with its data, a JSON object.
    ///
    /// - Throws: when the log would refuse it.
    public func envelope(data: [UInt8]) throws(EmitError) -> EventEnvelope {
        guard data.count <= EmitAction.maximumDataBytes else {
            throw .content("the data has more than \(EmitAction.maximumDataBytes) bytes")
        }
        let kind: JSONValue.Kind
        do throws(JSONError) {
            kind = try JSONDocument(data).root.kind
        } catch {
            throw .content("the data is refused: \(error)")
        }
        guard kind == .object else { throw .content("the data is no object") }
        return EventEnvelope(
            type: type, source: derivation.source, subject: firing.event.event.subject,
            traceparent: firing.event.event.traceparent, data: data, metadata: derivation.json)
    }
}
