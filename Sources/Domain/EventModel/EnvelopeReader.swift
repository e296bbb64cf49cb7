import JSONTree

/// Reads the members of an envelope and collects everything that is wrong with them.
struct EnvelopeReader {
    /// The members that an envelope may have.
    enum Member: String, CaseIterable {
        case type, data, source, subject, time, id, traceparent, cause
    }

    private let value: JSONValue
    private let pointer: String
    private(set) var problems: [JSONProblem] = []

    init(_ value: JSONValue, pointer: String) {
        self.value = value
        self.pointer = pointer
        if value.kind != .object {
            let detail = "an event must be a JSON object, not \(value.kind.noun)"
            problems.append(JSONProblem(pointer: pointer, detail: detail))
        }
    }

    mutating func requiredText(_ member: Member, upTo maximum: Int) -> String? {
        guard isPresent(member) else { return nil }
        return text(member, upTo: maximum)
    }

    mutating func requiredObject(_ member: Member) -> JSONValue? {
        guard isPresent(member), let found = value[member.rawValue] else { return nil }
        guard found.kind == .object else { return refuse(member, "must be an object, not \(found.kind.noun)") }
        return found
    }

    /// The text of an optional member, for which `null` is as good as absent.
    mutating func text(_ member: Member, from minimum: Int = 1, upTo maximum: Int) -> String? {
        guard let found = value[member.rawValue], !found.isNull else { return nil }
        guard let text = found.string else { return refuse(member, "must be a string, not \(found.kind.noun)") }
        if let detail = Self.problem(with: text, from: minimum, upTo: maximum) { return refuse(member, detail) }
        return text
    }

    mutating func time(_ member: Member) -> Timestamp? {
        guard let text = text(member, upTo: 64) else { return nil }
        return Timestamp(rfc3339: text)
            ?? refuse(member, "must be an RFC 3339 time with a zone, such as 2026-03-01T09:30:00Z")
    }

    /// The id of an event.
    mutating func uniqueID(_ member: Member) -> UniqueID? {
        guard let text = text(member, upTo: 64) else { return nil }
        return UniqueID(text) ?? refuse(member, "must be the id of an event, a UUID")
    }

    /// The header of W3C Trace Context §3.2 in the form of version 00.
    mutating func traceparent(_ member: Member) -> String? {
        guard let text = text(member, upTo: 255) else { return nil }
        return Self.isTraceparent(text) ? text : refuse(member, Self.traceparentRule)
    }

    static let traceparentRule = "must be a W3C traceparent: version, trace id, parent id and flags in lowercase hex"

    static func isTraceparent(_ text: String) -> Bool {
        let fields = text.split(separator: "-", omittingEmptySubsequences: false)
        return fields.map(\.utf8.count) == [2, 32, 16, 2] && fields[0] != "ff"
            && fields.allSatisfy { $0.utf8.allSatisfy(isLowercaseHexadecimal) }
            && fields[1...2].allSatisfy { $0.contains { $0 != "0" } }
    }

    mutating func refuseUnknownMembers() {
        for (key, _) in value.members where Member(rawValue: key) == nil {
            let known = Member.allCases.map(\.rawValue).joined(separator: ", ")
            let detail =
                Member(rawValue: key.lowercased()).map { "unknown member; did you mean \"\($0.rawValue)\"?" }
                ?? "unknown member; an event has \(known). Put anything else into data"
            problems.append(JSONProblem(pointer: JSONPointer.member(key, of: pointer), detail: detail))
        }
    }

    /// What is wrong with a text by its length in characters (Unicode scalars, as PostgreSQL counts) and its content.
    ///
    /// Looks at bytes, since every event passes here: the control characters U+0080 to U+009F are C2 80 to C2 9F.
    static func problem(with text: String, from minimum: Int, upTo maximum: Int) -> String? {
        var count = 0
        var hasControl = false
        var previous: UInt8 = 0
        for byte in text.utf8 {
            if byte & 0xC0 != 0x80 { count += 1 }
            let isSecondHalfOfC1 = previous == 0xC2 && byte < 0xA0
            hasControl = hasControl || byte < 0x20 || byte == 0x7F || isSecondHalfOfC1
            previous = byte
        }
        if count < minimum { return "must not be empty" }
        if count > maximum { return "must have at most \(maximum) characters, has \(count)" }
        return hasControl ? "must not contain control characters" : nil
    }

    private static func isLowercaseHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
        default: false
        }
    }

    private mutating func isPresent(_ member: Member) -> Bool {
        guard value.kind == .object else { return false }
        guard let found = value[member.rawValue], !found.isNull else {
            note(member, "is required")
            return false
        }
        return true
    }

    private mutating func note(_ member: Member, _ detail: String) {
        problems.append(JSONProblem(pointer: JSONPointer.member(member.rawValue, of: pointer), detail: detail))
    }

    private mutating func refuse<T>(_ member: Member, _ detail: String) -> T? {
        note(member, detail)
        return nil
    }
}

extension JSONValue.Kind {
    /// The kind with its article, for sentences.
    var noun: String {
        switch self {
        case .null: "null"
        case .boolean: "a boolean"
        case .integer, .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
