import EventModel
import JSONTree

/// What a tag names: something of the firing, a field of its event, or, within a section, something of the element.
struct TemplatePath: Hashable, Sendable {
    enum Root: Hashable {
        case triggerID
        case triggerName
        case triggerVersion
        case firingID
        case firedAt
        /// The stored event of CONTRACT §3, whole.
        case event
        case field(FieldPath)
        /// What the innermost section stands at.
        case item
    }

    /// The path as written.
    let name: String
    let root: Root
    /// Where to look in what the sections around stand at, before the event; nil for what is always the firing's.
    let inner: JSONPath?

    /// Parses `trigger.id|name|version`, `firing_id`, `fired_at`, `event`, `event.<field>`, a field, or `.`.
    init(_ text: String) throws(JSONValidationError) {
        name = text
        var inner: JSONPath?
        switch text {
        case "trigger.id": root = .triggerID
        case "trigger.name": root = .triggerName
        case "trigger.version": root = .triggerVersion
        case "firing_id": root = .firingID
        case "fired_at": root = .firedAt
        case "event": root = .event
        case ".": root = .item
        case _ where text == "trigger" || text.hasPrefix("trigger."):
            throw JSONValidationError(
                pointer: "", detail: "a trigger has id, name and version; write data.\(text) for a field of the event")
        case _ where text.hasPrefix("event."):
            root = .field(try FieldPath(String(text.dropFirst("event.".count))))
        default:
            root = .field(try FieldPath(text))
            // The field's path has been read from the same text, so this one can be read too.
            inner = try? JSONPath(text)
        }
        self.inner = inner
    }

    /// The value; nil when there is none.
    ///
    /// - Parameter items: what the sections around stand at, the innermost last. As Mustache has it, the first step of
    ///   the path decides whose it is, and the others are taken from there.
    func value(in firing: Firing, items: [TemplateValue]) -> TemplateValue? {
        if root == .item { return items.last }
        if let inner, !items.isEmpty {
            let first = JSONPath(components: Array(inner.components.prefix(1)))
            if let item = items.lazy.compactMap(\.json).last(where: { $0.value(at: first) != nil }) {
                return item.value(at: inner).map { .parsed($0) }
            }
        }
        return value(in: firing)
    }

    private func value(in firing: Firing) -> TemplateValue? {
        switch root {
        case .triggerID: .string(firing.triggerID.description)
        case .triggerName: .string(firing.triggerName)
        case .triggerVersion: .integer(Int64(firing.triggerVersion))
        case .firingID: .string(firing.id.description)
        case .firedAt: .string(firing.firedAt.rfc3339)
        case .event: .event(firing.event.event)
        case .item: nil
        case .field(let path):
            switch firing.event.value(at: path) {
            case .text(let text): .string(text)
            case .time(let time): .string(time.rfc3339)
            case .json(let value): .parsed(value)
            case nil: nil
            }
        }
    }
}

/// A value that a tag names.
enum TemplateValue {
    case string(String)
    case integer(Int64)
    case event(Event)
    /// From the data of an event, or a default.
    case parsed(JSONValue)

    /// The value as it stands in a text: strings as they are, `null` as nothing, the rest as JSON.
    var text: String {
        switch self {
        case .string(let text): return text
        case .parsed(let value) where value.isNull: return ""
        case .parsed(let value): return value.string ?? String(decoding: value.source, as: UTF8.self)
        case .integer, .event:
            var writer = JSONWriter()
            write(to: &writer)
            return String(decoding: writer.bytes, as: UTF8.self)
        }
    }

    /// The value where it is one that was parsed.
    var json: JSONValue? {
        if case .parsed(let value) = self { value } else { nil }
    }

    var isNull: Bool { json?.isNull ?? false }

    /// Whether a section of it stands: all but `false`, `null` and the empty list, as Mustache has it.
    var isTrue: Bool {
        guard let json else { return true }
        switch json.kind {
        case .null: return false
        case .boolean: return json.bool ?? false
        case .array: return json.count > 0
        case .integer, .number, .string, .object: return true
        }
    }

    /// Writes the value with its type.
    func write(to writer: inout JSONWriter) {
        switch self {
        case .string(let text): writer.string(text)
        case .integer(let integer): writer.int(integer)
        case .event(let event): event.write(to: &writer)
        case .parsed(let value): writer.value(value)
        }
    }
}
