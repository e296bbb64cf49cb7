import EventModel
import JSONTree

/// The values of some fields of an event, as a JSON array: what tells one group from another.
enum GroupKey {
    /// Longer ones are told apart by digests.
    private static let longest = 512

    /// The key of an event's group; empty without fields.
    ///
    /// - Parameter gapsAllowed: whether a field that is missing, or no scalar, counts as `null`; else there is no key.
    static func of(_ event: ParsedEvent, by paths: [FieldPath], gapsAllowed: Bool) -> [UInt8]? {
        guard !paths.isEmpty else { return [] }
        var writer = JSONWriter()
        var isWhole = true
        writer.array { list in
            for path in paths {
                if !write(event.value(at: path), to: &list) {
                    isWhole = false
                    list.null()
                }
            }
        }
        guard isWhole || gapsAllowed else { return nil }
        guard writer.bytes.count > longest else { return writer.bytes }
        // Two digests that begin differently, so that nobody makes two groups one by accident.
        let digests = [StateIdentity.digest(writer.bytes), StateIdentity.digest(writer.bytes, basis: 0x9E37_79B9)]
        return Array("#\(digests[0])-\(digests[1])-\(writer.bytes.count)".utf8)
    }

    /// A digest of a value, for counting different ones; nil of what is no scalar.
    static func digest(_ value: FieldValue) -> UInt64? {
        var writer = JSONWriter()
        return write(value, to: &writer) ? StateIdentity.digest(writer.bytes) : nil
    }

    /// Writes a scalar so that equal ones have equal bytes; false when it is none.
    private static func write(_ value: FieldValue?, to writer: inout JSONWriter) -> Bool {
        switch value {
        case .text(let text): writer.string(text)
        case .time(let time): writer.string(time.rfc3339)
        case .json(let json):
            switch json.kind {
            case .string: writer.string(json.string ?? "")
            case .boolean: writer.value(json)
            case .integer, .number:
                guard let number = json.number else { return false }
                write(number, to: &writer)
            case .null, .array, .object: return false
            }
        case nil: return false
        }
        return true
    }

    /// 1, 1.0 and 1e0 are one number.
    private static func write(_ number: JSONNumber, to writer: inout JSONWriter) {
        switch number {
        case .int(let value): writer.int(value)
        case .uint(let value): writer.uint(value)
        case .double(let value):
            if let integer = Int64(exactly: value) { writer.int(integer) } else { writer.double(value) }
        }
    }
}
