import JSONTree

/// JSON as a literal of the language, for what the API's description holds: `["type": "object", "minimum": 1]`.
indirect enum JSONLiteral: Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    case array([JSONLiteral])
    case object([(name: String, value: JSONLiteral)])

    func write(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.null()
        case .bool(let value): writer.bool(value)
        case .integer(let value): writer.int(Int64(value))
        case .number(let value): writer.double(value)
        case .text(let value): writer.string(value)
        case .array(let values): writer.array { list in for value in values { value.write(to: &list) } }
        case .object(let members):
            writer.object { object in
                for (name, value) in members {
                    object.key(name)
                    value.write(to: &object)
                }
            }
        }
    }
}

extension JSONLiteral: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByFloatLiteral, ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    init(stringLiteral value: String) { self = .text(value) }
    init(integerLiteral value: Int) { self = .integer(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(floatLiteral value: Double) { self = .number(value) }
    init(nilLiteral: ()) { self = .null }
    init(arrayLiteral elements: JSONLiteral...) { self = .array(elements) }
    init(dictionaryLiteral elements: (String, JSONLiteral)...) {
        self = .object(elements.map { (name: $0.0, value: $0.1) })
    }
}
