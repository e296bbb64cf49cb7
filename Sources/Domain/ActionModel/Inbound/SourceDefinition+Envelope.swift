public import EventModel
public import JSONTree

extension SourceDefinition {
    /// The type of a delivery that names none; it is marked for classification.
    static let unknownType = "Unknown"

    /// The event that a verified delivery is.
    ///
    /// A sender can't be asked to mend what it sends, and gives up after some tries. So a delivery is kept even where
    /// it doesn't fit: a type that is missing or unfit is the fallback or `Unknown`, an unfit subject is left out.
    /// - Parameters:
    ///   - data: an object; see the gateway for what becomes of other payloads.
    ///   - headers: all values of a header, by its name in lower case.
    public func envelope(data: JSONValue, headers: (String) -> [String]) -> EventEnvelope {
        let type = eventType.type(of: data, headers)
        let subject = subjectPath.map(DeliveryPart.path)
        let id = verification.scheme.deliveryID ?? deliveryID
        return EventEnvelope(
            type: type ?? Self.unknownType, source: name,
            subject: subject?.text(in: data, headers, upTo: EventEnvelope.subjectLength),
            producerID: id?.text(in: data, headers, upTo: EventEnvelope.typeLength), data: Array(data.source),
            metadata: metadata(isClassified: type != nil, headers))
    }

    private func metadata(isClassified: Bool, _ headers: (String) -> [String]) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { object in
            object.key("headers")
            object.object { kept in
                for name in self.headers {
                    let values = headers(name)
                    // A list in one line means the same as in several (RFC 9110 §5.3).
                    if !values.isEmpty { kept.member(name, values.joined(separator: ", ")) }
                }
            }
            object.member("source", name)
            if !isClassified { object.member("classify", true) }
        }
        return writer.bytes
    }
}
