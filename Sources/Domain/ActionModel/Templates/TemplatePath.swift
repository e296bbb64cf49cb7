import EventModel
import JSONTree

/// What a placeholder names: something of the firing, or a field of its event.
enum TemplatePath: Hashable, Sendable {
    case triggerID
    case triggerName
    case triggerVersion
    case firingID
    case firedAt
    /// The stored event of CONTRACT §3, whole.
    case event
    case field(FieldPath)

    /// Parses `trigger.id|name|version`, `firing_id`, `fired_at`, `event`, `event.<field>` or a field.
    init(_ text: String) throws(JSONValidationError) {
        switch text {
        case "trigger.id": self = .triggerID
        case "trigger.name": self = .triggerName
        case "trigger.version": self = .triggerVersion
        case "firing_id": self = .firingID
        case "fired_at": self = .firedAt
        case "event": self = .event
        case _ where text == "trigger" || text.hasPrefix("trigger."):
            throw JSONValidationError(
                pointer: "", detail: "a trigger has id, name and version; write data.\(text) for a field of the event")
        case _ where text.hasPrefix("event."):
            self = .field(try FieldPath(String(text.dropFirst("event.".count))))
        default:
            self = .field(try FieldPath(text))
        }
    }

    /// The value as it stands in a text: strings as they are, `null` and the missing as nothing, the rest as JSON.
    func text(in firing: Firing) -> String {
        switch self {
        case .triggerName: return firing.triggerName
        case .triggerID: return firing.triggerID.description
        case .firingID: return firing.id.description
        case .firedAt: return firing.firedAt.rfc3339
        case .field(let path):
            switch firing.event.value(at: path) {
            case .text(let text): return text
            case .time(let time): return time.rfc3339
            case .json(let value) where value.isNull: return ""
            case .json(let value): return value.string ?? String(decoding: value.source, as: UTF8.self)
            case nil: return ""
            }
        case .triggerVersion, .event:
            var writer = JSONWriter()
            write(firing, to: &writer)
            return String(decoding: writer.bytes, as: UTF8.self)
        }
    }

    /// Writes the value with its type; the missing as `null`.
    func write(_ firing: Firing, to writer: inout JSONWriter) {
        switch self {
        case .triggerVersion: writer.int(Int64(firing.triggerVersion))
        case .event: firing.event.event.write(to: &writer)
        case .field(let path):
            switch firing.event.value(at: path) {
            case .text(let text): writer.string(text)
            case .time(let time): writer.string(time.rfc3339)
            case .json(let value): writer.value(value)
            case nil: writer.null()
            }
        case .triggerID, .triggerName, .firingID, .firedAt: writer.string(text(in: firing))
        }
    }
}
