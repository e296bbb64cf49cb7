import EventModel
import JSONTree

/// What producers send, as one item of `POST /events`, as items of an array, and as a body of `POST /ingest`.
///
/// - A refusal names at least one problem, each with a pointer that lies below the one given.
/// - What is accepted obeys the bounds of CONTRACT §3, has data that is an object and is accepted as JSON again, and is
///   accepted and equal when it is written as an envelope once more.
/// - The stored event that becomes of it is JSON with the same members, and its data is found by field paths.
enum EnvelopeTarget {
    static func run(_ input: [UInt8]) throws(BrokenPromise) {
        guard let root = try JSONTarget.parse(input) else { return }
        if let envelope = try read(root, pointer: "") { try check(envelope) }
        for (index, item) in root.elements.enumerated().prefix(20) {
            if let envelope = try read(item, pointer: "/\(index)") { try check(envelope) }
        }
        if let envelope = try ingest(root) {
            try promise(envelope.data == Array(root.source), "an ingested body is kept as another")
            try check(envelope)
        }
    }

    private static func ingest(_ root: JSONValue) throws(BrokenPromise) -> EventEnvelope? {
        do throws(JSONValidationError) {
            return try EventEnvelope.ingest(root)
        } catch {
            try refused(error, pointer: "")
            try promise(
                root.kind != .object || error.problems.map(\.pointer) == ["/type"], "an object is refused: \(error)")
            return nil
        }
    }

    private static func read(_ value: JSONValue, pointer: String) throws(BrokenPromise) -> EventEnvelope? {
        do throws(JSONValidationError) {
            return try EventEnvelope(value, pointer: pointer)
        } catch {
            try refused(error, pointer: pointer)
            return nil
        }
    }

    static func refused(_ error: JSONValidationError, pointer: String) throws(BrokenPromise) {
        try promise(!error.problems.isEmpty, "refused without a problem")
        for problem in error.problems {
            try promise(problem.pointer.hasPrefix(pointer), "\(problem.pointer) is not below \(pointer)")
            try promise(!problem.detail.isEmpty, "a problem without words")
        }
    }

    static func check(_ envelope: EventEnvelope) throws(BrokenPromise) {
        try promise((1...255).contains(envelope.type.unicodeScalars.count), "a type of a length that is none")
        try promise(envelope.source.unicodeScalars.count <= 512, "a source too long")
        for text in [envelope.type, envelope.source, envelope.subject ?? "", envelope.producerID ?? ""] {
            let hasControl = text.unicodeScalars.contains { $0.properties.generalCategory == .control }
            try promise(!hasControl, "a control character in \(text)")
        }
        let data = try JSONTarget.parse(envelope.data)
        try promise(data?.kind == .object, "data that is no object")
        if let metadata = envelope.metadata {
            let shown = String(decoding: metadata, as: UTF8.self)
            try promise(try JSONTarget.parse(metadata)?.kind == .object, "metadata that is no object: \(shown)")
        }

        var writer = JSONWriter()
        writer.object {
            $0.member("type", envelope.type)
            $0.member("source", envelope.source)
            $0.member("subject", envelope.subject)
            $0.member("time", envelope.time?.rfc3339)
            $0.member("id", envelope.producerID)
            $0.member("traceparent", envelope.traceparent)
            $0.member("cause", envelope.cause?.description)
            $0.memberRaw("data", envelope.data)
        }
        guard let root = try JSONTarget.parse(writer.bytes) else {
            // One level deeper than a body of /ingest may be the one level too many.
            return
        }
        // Metadata is no member of an envelope: it is what came beside it.
        let bare = EventEnvelope(
            type: envelope.type, source: envelope.source, subject: envelope.subject, time: envelope.time,
            producerID: envelope.producerID, traceparent: envelope.traceparent, cause: envelope.cause,
            data: envelope.data)
        try promise(try read(root, pointer: "") == bare, "the envelope written again is another")
        try store(envelope)
    }

    private static func store(_ envelope: EventEnvelope) throws(BrokenPromise) {
        let now = Timestamp(microseconds: 1_772_355_600_000_001)
        let id = UniqueID.version7(milliseconds: 1_772_355_600_000, random: (1, 2))
        let event = Event(
            id: id, organizationID: id, part: LogPart.part(of: id), position: 1, type: envelope.type,
            source: envelope.source, subject: envelope.subject, time: envelope.time ?? now, receivedAt: now,
            producerID: envelope.producerID, traceparent: envelope.traceparent, data: envelope.data,
            metadata: envelope.metadata)
        var writer = JSONWriter()
        event.write(to: &writer)
        guard let shown = try JSONTarget.parse(writer.bytes) else {
            throw BrokenPromise(what: "a stored event is no JSON: \(String(decoding: writer.bytes, as: UTF8.self))")
        }
        try promise(shown["type"]?.string == envelope.type, "the stored event has another type")
        try promise(shown["data"].map { Array($0.source) } == envelope.data, "the stored event has other data")
        guard let parsed = try? ParsedEvent(event) else { throw BrokenPromise(what: "a stored event can't be parsed") }
        for (key, member) in parsed.data.members {
            let path = FieldPath(.data(JSONPath(components: [.key(key)])))
            guard case .json(let found)? = parsed.value(at: path) else {
                throw BrokenPromise(what: "\(path) leads nowhere")
            }
            try promise(found == member, "\(path) leads elsewhere")
        }
    }
}
