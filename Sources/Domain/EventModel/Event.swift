import JSONTree

/// An event as the log has it.
public struct Event: Sendable, Equatable {
    /// A version 7 UUID, given by the gateway.
    public let id: UniqueID
    /// Whose event it is.
    public let organizationID: UniqueID
    /// The part of the log it is in; see ``LogPart``.
    public let part: Int16
    /// Its place in the part: gapless, in commit order.
    public let position: Int64
    /// What happened, such as `PaymentProcessed`.
    public let type: String
    /// Who says so; empty when the producer didn't say.
    public let source: String
    /// What it happened to: a conversation, a customer, an order.
    public let subject: String?
    /// When it happened, by the producer's clock; else when it was received.
    public let time: Timestamp
    /// When the gateway took it.
    public let receivedAt: Timestamp
    /// The producer's own id, unique with the source within the organization.
    public let producerID: String?
    /// The W3C trace context it came with.
    public let traceparent: String?
    /// A JSON object, byte for byte as received.
    public let data: [UInt8]
    /// A JSON object of what came with it; see ``EventEnvelope/metadata``.
    public let metadata: [UInt8]?

    /// Makes an event of all its members.
    public init(
        id: UniqueID, organizationID: UniqueID, part: Int16, position: Int64, type: String, source: String,
        subject: String?, time: Timestamp, receivedAt: Timestamp, producerID: String?, traceparent: String?,
        data: [UInt8], metadata: [UInt8]? = nil
    ) {
        self.id = id
        self.organizationID = organizationID
        self.part = part
        self.position = position
        self.type = type
        self.source = source
        self.subject = subject
        self.time = time
        self.receivedAt = receivedAt
        self.producerID = producerID
        self.traceparent = traceparent
        self.data = data
        self.metadata = metadata
    }

    /// Writes the stored event of CONTRACT §3, which every route and payload shows.
    public func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("id", id.description)
            $0.member("type", type)
            $0.member("source", source)
            $0.member("subject", subject)
            $0.member("time", time.rfc3339)
            $0.member("received_at", receivedAt.rfc3339)
            $0.memberRaw("data", data)
            $0.member("producer_id", producerID)
            if let metadata { $0.memberRaw("metadata", metadata) }
        }
    }
}
