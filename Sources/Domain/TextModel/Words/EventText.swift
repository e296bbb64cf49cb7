import EventModel
import JSONTree

/// The text of an event: its type, and the text values of its data at any depth.
///
/// Not keys, numbers or truth values, which the learned schema and the named values of frames are for.
public enum EventText {
    /// How many letters of an event are read.
    public static let longest = 4_096
    /// How many values of an event's data are visited.
    static let mostValues = 4_096

    /// Lends each text of a value, in the order in which they are written, until the body answers false.
    static func visit(_ value: JSONValue, _ body: (UnsafeBufferPointer<UInt8>) -> Bool) {
        var left = mostValues
        _ = visit(value, &left, body)
    }

    /// The type and the texts, a line each, in at most so many bytes of valid UTF-8: what a model is given.
    public static func lines(of event: ParsedEvent, upTo limit: Int) -> [UInt8] {
        var bytes = Array(event.event.type.utf8)
        visit(event.data) { text in
            bytes.append(UInt8(ascii: "\n"))
            // One byte more than fits, which tells whether what fits ends between two characters.
            bytes.append(contentsOf: text.prefix(max(0, limit + 1 - bytes.count)))
            return bytes.count <= limit
        }
        var end = min(bytes.count, limit)
        // Not in the middle of a character.
        while end < bytes.count, end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
        return Array(bytes[..<end])
    }

    private static func visit(
        _ value: JSONValue, _ left: inout Int, _ body: (UnsafeBufferPointer<UInt8>) -> Bool
    ) -> Bool {
        guard left > 0 else { return false }
        left -= 1
        switch value.kind {
        case .string: return value.withUTF8(body) ?? true
        case .array: return value.elements.allSatisfy { visit($0, &left, body) }
        case .object: return value.members.allSatisfy { visit($0.value, &left, body) }
        case .null, .boolean, .integer, .number: return true
        }
    }
}
