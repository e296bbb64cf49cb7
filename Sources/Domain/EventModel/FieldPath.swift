import JSONTree

/// A field of an event, as conditions, templates and filters name it (CONTRACT §4).
///
/// `type source subject id time received_at` are members of the event, `data` and `data.…` its data. Any other path is
/// looked up in the data, so that `amount` is `data.amount`; so is one that goes on after a member's name
/// (`source.ip`), because those members have nothing inside. Only a moment has: what a clock shows then, see
/// ``ClockReading``.
public struct FieldPath: Hashable, Sendable {
    /// Where the path begins.
    public enum Root: Hashable, Sendable {
        /// The event's type.
        case type
        /// The event's source.
        case source
        /// The event's subject.
        case subject
        /// The event's id.
        case id
        /// When the event happened.
        case time
        /// When the event was received.
        case receivedAt
        /// What a clock shows at one of its moments.
        case clock(ClockReading)
        /// The event's data; nil is the whole object.
        case data(JSONPath?)
    }

    /// What the path names.
    public let root: Root

    /// Makes a path to what a root names.
    public init(_ root: Root) {
        self.root = root
    }

    /// Parses a path.
    ///
    /// - Throws: one problem with an empty pointer, which the caller places.
    public init(_ text: String) throws(JSONValidationError) {
        let path: JSONPath
        do throws(JSONPathError) {
            path = try JSONPath(text)
        } catch {
            throw JSONValidationError(pointer: "", detail: "not a field path: \(error)")
        }
        self.init(try Root(path))
    }
}

extension FieldPath.Root {
    init(_ path: JSONPath) throws(JSONValidationError) {
        guard case .key(let first) = path.components[0] else {
            self = .data(path)
            return
        }
        let rest = Array(path.components.dropFirst())
        if let moment = ClockReading.Moment(rawValue: first), let reading = try ClockReading(moment, rest) {
            self = .clock(reading)
            return
        }
        switch first {
        case "data": self = .data(rest.isEmpty ? nil : JSONPath(components: rest))
        case "type" where rest.isEmpty: self = .type
        case "source" where rest.isEmpty: self = .source
        case "subject" where rest.isEmpty: self = .subject
        case "id" where rest.isEmpty: self = .id
        case "time" where rest.isEmpty: self = .time
        case "received_at" where rest.isEmpty: self = .receivedAt
        default: self = .data(path)
        }
    }
}

extension FieldPath: CustomStringConvertible {
    /// The path with its root written out, which parses to the same path.
    public var description: String {
        switch root {
        case .type: return "type"
        case .source: return "source"
        case .subject: return "subject"
        case .id: return "id"
        case .time: return "time"
        case .receivedAt: return "received_at"
        case .clock(let reading): return reading.description
        case .data(nil): return "data"
        case .data(let path?):
            return JSONPath(components: [.key("data")] + path.components).description
        }
    }
}
