import EventModel
import JSONTree

/// How a field stands to what it is compared with.
enum Relation: Sendable {
    case less
    case equal
    case greater
    /// Not equal, and without an order: booleans, arrays, objects.
    case different
}

/// A value that fields are compared with, prepared once.
///
/// Strings compare by their bytes in UTF-8, which is the order of their code points. Integers and other numbers are one
/// type, compared exactly. Times of an event (`time`, `received_at`) compare with RFC 3339 strings, as moments.
enum Operand: Sendable {
    case null
    case boolean(Bool)
    case number(JSONNumber)
    case text([UInt8], time: Timestamp?)
    /// An array or an object.
    case container(JSONValue)

    init(_ value: JSONValue) {
        if let number = value.number {
            self = .number(number)
        } else if let bool = value.bool {
            self = .boolean(bool)
        } else if let text = value.string {
            self = .text(Array(text.utf8), time: Timestamp(rfc3339: text))
        } else {
            self = value.isNull ? .null : .container(value)
        }
    }

    /// Whether `<` means something.
    var isOrdered: Bool {
        switch self {
        case .number, .text: true
        case .null, .boolean, .container: false
        }
    }

    /// How a field stands to this; nil when they are of different types.
    func relation(of field: FieldValue) -> Relation? {
        switch (field, self) {
        case (.text(let text), .text(let bytes, _)):
            var text = text
            return text.withUTF8 { Self.order($0, bytes) }
        case (.time(let time), .text(_, let other?)):
            return time < other ? .less : time == other ? .equal : .greater
        case (.json(let value), _):
            return relation(of: value)
        default:
            return nil
        }
    }

    /// How a value stands to this; nil when they are of different types.
    func relation(of value: JSONValue) -> Relation? {
        switch self {
        case .null: return value.isNull ? .equal : nil
        case .boolean(let bool): return value.bool.map { $0 == bool ? .equal : .different }
        case .number(let number): return value.number.map { $0 < number ? .less : $0 == number ? .equal : .greater }
        case .text(let bytes, _): return value.withUTF8 { Self.order($0, bytes) }
        case .container(let container):
            guard value.kind == container.kind else { return nil }
            return value == container ? .equal : .different
        }
    }

    static func order(_ left: UnsafeBufferPointer<UInt8>, _ right: [UInt8]) -> Relation {
        right.withUnsafeBufferPointer { right in
            for index in 0..<min(left.count, right.count) where left[index] != right[index] {
                return left[index] < right[index] ? .less : .greater
            }
            return left.count < right.count ? .less : left.count == right.count ? .equal : .greater
        }
    }
}
