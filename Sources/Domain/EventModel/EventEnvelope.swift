import JSONTree

/// An event as a producer sends it, checked but not yet stored.
public struct EventEnvelope: Sendable, Equatable {
    /// What happened: 1 to 255 characters.
    public let type: String
    /// Who says so; empty when not given.
    public let source: String
    /// What it happened to.
    public let subject: String?
    /// When it happened, if the producer says.
    public let time: Timestamp?
    /// The producer's own id, by which a repeat is recognised.
    public let producerID: String?
    /// The W3C trace context.
    public let traceparent: String?
    /// The stored event that this one follows from, as the producer says; whoever stores it has to look whether there
    /// is such an event, and to put it into ``metadata``.
    public let cause: UniqueID?
    /// A JSON object, byte for byte as received.
    public let data: [UInt8]
    /// A JSON object of what came with the event and is not the producer's data: headers that were asked for, extension
    /// attributes, a mark for classification. It takes no part in the comparison of repeats.
    public let metadata: [UInt8]?

    /// Makes an envelope of values that are known to be valid, such as those of CloudEvents headers checked elsewhere.
    public init(
        type: String, source: String = "", subject: String? = nil, time: Timestamp? = nil, producerID: String? = nil,
        traceparent: String? = nil, cause: UniqueID? = nil, data: [UInt8], metadata: [UInt8]? = nil
    ) {
        self.type = type
        self.source = source
        self.subject = subject
        self.time = time
        self.producerID = producerID
        self.traceparent = traceparent
        self.cause = cause
        self.data = data
        self.metadata = metadata
    }

    /// Reads one item of `POST /events` (CONTRACT §3).
    ///
    /// - Parameters:
    ///   - value: the item.
    ///   - pointer: where it is in the request, such as `/3` in an array; empty for a single event.
    /// - Throws: all problems of the item at once.
    public init(_ value: JSONValue, pointer: String = "") throws(JSONValidationError) {
        var reader = EnvelopeReader(value, pointer: pointer)
        let type = reader.requiredText(.type, upTo: 255)
        let data = reader.requiredObject(.data)
        let source = reader.text(.source, from: 0, upTo: 512)
        let subject = reader.text(.subject, upTo: 512)
        let time = reader.time(.time)
        let producerID = reader.text(.id, upTo: 255)
        let traceparent = reader.traceparent(.traceparent)
        let cause = reader.uniqueID(.cause)
        reader.refuseUnknownMembers()
        guard let type, let data, reader.problems.isEmpty else { throw JSONValidationError(reader.problems) }
        self.init(
            type: type, source: source ?? "", subject: subject, time: time, producerID: producerID,
            traceparent: traceparent, cause: cause, data: Array(data.source))
    }

    /// Reads the body of `POST /ingest`: the whole object is the data, and its member `type` the type.
    ///
    /// Without a usable `type` (none, empty, or not a string) the event is `Unknown` and marked for classification
    /// (`{"classify": true}` in its metadata); one that is too long or holds
    /// control characters is an error, because cutting it would merge types.
    public static func ingest(_ value: JSONValue) throws(JSONValidationError) -> EventEnvelope {
        guard value.kind == .object else {
            throw JSONValidationError(pointer: "", detail: "an event must be a JSON object, not \(value.kind.noun)")
        }
        guard let type = value["type"]?.string, !type.isEmpty else {
            return EventEnvelope(
                type: "Unknown", data: Array(value.source), metadata: Array(#"{"classify":true}"#.utf8))
        }
        if let detail = EnvelopeReader.problem(with: type, from: 1, upTo: 255) {
            throw JSONValidationError(pointer: "/type", detail: detail)
        }
        return EventEnvelope(type: type, data: Array(value.source))
    }
}
