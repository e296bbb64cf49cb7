import EventModel
import JSONTree

/// CloudEvents: JSON as a structured event, and the same members as headers of a binary one.
///
/// What is accepted is an envelope like any other, with data and metadata that are JSON objects; a refusal names at
/// least one problem. In headers any text may stand, such as JSON could not hold.
enum CloudEventTarget {
    static func run(_ input: [UInt8]) throws(BrokenPromise) {
        try binary(input)
        guard let root = try JSONTarget.parse(input) else { return }
        if let envelope = try structured(root) { try EnvelopeTarget.check(envelope) }
    }

    private static func structured(_ root: JSONValue) throws(BrokenPromise) -> EventEnvelope? {
        do throws(JSONValidationError) {
            return try CloudEvent.structured(root, pointer: "/7")
        } catch {
            try EnvelopeTarget.refused(error, pointer: "/7")
            return nil
        }
    }

    /// Lines of `name value` as headers, behind those that no event may lack; the whole as its text.
    private static func binary(_ input: [UInt8]) throws(BrokenPromise) {
        let text = String(decoding: input, as: UTF8.self)
        var fields = text.split(separator: "\n").prefix(20).map { line in
            let halves = line.split(separator: " ", maxSplits: 1)
            return (name: String(halves.first ?? ""), value: String(halves.dropFirst().first ?? ""))
        }
        for (name, value) in [("specversion", "1.0"), ("id", "1"), ("source", "s"), ("type", "T")]
        where !fields.contains(where: { $0.name == name }) {
            fields.append((name, value))
        }
        for data in [CloudEvent.Payload.none, .text(text)] {
            if let envelope = try read(fields, data) { try EnvelopeTarget.check(envelope) }
        }
    }

    private static func read(
        _ fields: [(name: String, value: String)], _ data: CloudEvent.Payload
    ) throws(BrokenPromise) -> EventEnvelope? {
        do throws(JSONValidationError) {
            return try CloudEvent.binary(fields, contentType: "", data)
        } catch {
            try EnvelopeTarget.refused(error, pointer: "")
            return nil
        }
    }
}
