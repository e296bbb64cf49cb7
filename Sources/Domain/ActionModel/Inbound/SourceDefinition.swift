import EventModel
public import JSONTree

/// What a person defines so that another system's webhooks become events: how a delivery proves who sent it, and where
/// in it the members of the event are.
public struct SourceDefinition: Sendable {
    static let nameLength = 200
    static let descriptionLength = 0...2_000
    static let maximumHeaders = 20

    /// Unique within the organization; also the `source` of its events.
    public let name: String
    /// What it is for.
    public let description: String?
    /// Whether deliveries are taken at all.
    public let enabled: Bool
    /// Where the type of an event comes from.
    public let eventType: EventTypeRule
    /// Where in the payload the subject is; nil for events without one.
    public let subjectPath: JSONPath?
    /// Where the sender's own id of a delivery is, where the scheme doesn't say.
    public let deliveryID: DeliveryPart?
    /// Names of the headers that are kept in the event's metadata, in lower case.
    public let headers: [String]
    /// How a delivery proves who sent it.
    public let verification: SourceVerification

    /// Reads a definition.
    ///
    /// What the API adds when it shows a source (`id`, `hook_path`, `created_at`, `updated_at`) is passed over, so that
    /// what was got can be changed and put back.
    /// - Parameter stored: the verification that this one replaces; masked secrets stand for its own.
    /// - Throws: everything that is wrong with it.
    public init(_ value: JSONValue, secretsFrom stored: SourceVerification? = nil) throws(JSONValidationError) {
        try self.init(value) { scheme in stored?.scheme == scheme ? stored?.secrets ?? [] : [] }
    }

    /// Reads a definition whose secrets were masked when it was stored, and put away elsewhere.
    public init(_ value: JSONValue, storedSecrets: [String]) throws(JSONValidationError) {
        try self.init(value) { _ in storedSecrets }
    }

    private init(
        _ value: JSONValue, secrets: (SourceVerification.Scheme) -> [String]
    ) throws(JSONValidationError) {
        var reader = ObjectReader(value, pointer: "")
        for name in ["id", "hook_path", "created_at", "updated_at"] { _ = reader.member(name) }
        let name = Self.readName(&reader)
        description = reader.string("description", length: Self.descriptionLength)
        enabled = reader.bool("enabled") ?? true
        let eventType = Self.read("event_type", required: true, from: &reader, as: EventTypeRule.init)
        subjectPath = reader.path("subject_path")
        deliveryID = Self.read("delivery_id", from: &reader, as: DeliveryPart.init)
        headers = Self.readHeaders(&reader)
        let place = reader.pointer(to: "verification")
        let verification = reader.member("verification", required: true).flatMap { value in
            reader.attempt { () throws(JSONValidationError) -> SourceVerification in
                try SourceVerification(value, pointer: place, stored: secrets)
            }
        }
        if verification?.scheme.deliveryID != nil, deliveryID != nil {
            reader.refuse("delivery_id", "can't be chosen: the scheme has an id of its own")
        }
        try reader.finish()
        guard let name, let eventType, let verification else {
            throw JSONValidationError(pointer: "", detail: "is not a source")
        }
        self.name = name
        self.eventType = eventType
        self.verification = verification
    }

    /// Writes the members of the definition into an object that the caller has begun; ``SecretMode/plain`` reads back
    /// as the same.
    public func write(to writer: inout JSONWriter, secrets: SecretMode) {
        writer.member("name", name)
        if let description { writer.member("description", description) }
        writer.member("enabled", enabled)
        writer.key("event_type")
        eventType.write(to: &writer)
        if let subjectPath { writer.member("subject_path", subjectPath.description) }
        if let deliveryID {
            writer.key("delivery_id")
            writer.object { deliveryID.writeMember(to: &$0) }
        }
        writer.key("headers")
        writer.array { list in headers.forEach { list.string($0) } }
        writer.key("verification")
        verification.write(to: &writer, secrets: secrets)
    }
}

// MARK: - Reading

extension SourceDefinition {
    private static func readName(_ reader: inout ObjectReader) -> String? {
        guard let name = reader.string("name", required: true) else { return nil }
        guard EventEnvelope.isFit(name, upTo: nameLength) else {
            reader.refuse("name", "must have 1 to \(nameLength) characters and no control characters")
            return nil
        }
        return name
    }

    private static func read<Part>(
        _ name: String, required: Bool = false, from reader: inout ObjectReader,
        as make: (JSONValue, String) throws(JSONValidationError) -> Part
    ) -> Part? {
        let place = reader.pointer(to: name)
        return reader.member(name, required: required).flatMap { value in
            reader.attempt { () throws(JSONValidationError) -> Part in try make(value, place) }
        }
    }

    private static func readHeaders(_ reader: inout ObjectReader) -> [String] {
        let elements = reader.array("headers", count: 0...maximumHeaders) ?? []
        var names: [String] = []
        for (element, pointer) in elements {
            let name = reader.attempt { () throws(JSONValidationError) -> String in
                try HeaderName.read(element, pointer: pointer)
            }
            guard let name, !names.contains(name) else { continue }
            names.append(name)
        }
        return names
    }
}

/// Names of headers as definitions give them.
enum HeaderName {
    /// The name in lower case.
    ///
    /// - Throws: also for a header that carries a credential, which belongs neither into an event nor beside it.
    static func read(_ value: JSONValue, pointer: String) throws(JSONValidationError) -> String {
        guard let name = value.string, RestHeader.isToken(name) else {
            throw JSONValidationError(pointer: pointer, detail: "must be the name of a header")
        }
        guard !SecretMask.covers(header: name), name.lowercased() != "proxy-authorization" else {
            throw JSONValidationError(pointer: pointer, detail: "carries a credential, which no event may hold")
        }
        return name.lowercased()
    }
}

extension ObjectReader {
    /// A path within a payload.
    mutating func path(_ name: String) -> JSONPath? {
        guard let text = string(name) else { return nil }
        let place = pointer(to: name)
        return attempt { () throws(JSONValidationError) -> JSONPath in
            do throws(JSONPathError) {
                return try JSONPath(text)
            } catch {
                throw JSONValidationError(pointer: place, detail: "is not a path: \(error)")
            }
        }
    }
}
