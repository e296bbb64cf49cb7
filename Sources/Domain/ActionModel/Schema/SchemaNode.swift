import JSONTree

/// The types of JSON Schema.
struct SchemaTypes: OptionSet, Sendable {
    let rawValue: UInt8

    static let null = SchemaTypes(rawValue: 1)
    static let boolean = SchemaTypes(rawValue: 2)
    static let object = SchemaTypes(rawValue: 4)
    static let array = SchemaTypes(rawValue: 8)
    static let string = SchemaTypes(rawValue: 16)
    static let integer = SchemaTypes(rawValue: 32)
    static let number = SchemaTypes(rawValue: 64)

    private static let names: [(name: String, type: SchemaTypes)] = [
        ("null", .null), ("boolean", .boolean), ("object", .object), ("array", .array), ("string", .string),
        ("integer", .integer), ("number", .number),
    ]

    init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// The type of a name; nil for any other text.
    init?(name: String) {
        guard let type = Self.names.first(where: { $0.name == name })?.type else { return nil }
        self = type
    }

    /// Whether a value is of one of the types: `1.0` is an integer, and every integer a number.
    func contains(_ value: JSONValue) -> Bool {
        switch value.kind {
        case .null: contains(.null)
        case .boolean: contains(.boolean)
        case .object: contains(.object)
        case .array: contains(.array)
        case .string: contains(.string)
        case .integer: contains(.integer) || contains(.number)
        case .number: contains(.number) || contains(.integer) && value.double.map { $0 == $0.rounded() } == true
        }
    }

    /// The names with "or" between them.
    var description: String {
        Self.names.filter { contains($0.type) }.map(\.name).joined(separator: " or ")
    }
}

/// One schema within a schema, its subschemas by their numbers.
struct SchemaNode: Sendable {
    /// Bounds of a count, each of them optional.
    struct Counts: Sendable {
        var least: Int64?
        var most: Int64?

        func problem(_ count: Int, of noun: String) -> String? {
            if let least, count < least { return "must have at least \(least) \(noun)" }
            if let most, count > most { return "must have at most \(most) \(noun)" }
            return nil
        }
    }

    /// Bounds of a number, each of them optional.
    struct Numbers: Sendable {
        var least: JSONNumber?
        var most: JSONNumber?
        var above: JSONNumber?
        var below: JSONNumber?
        var step: JSONNumber?
    }

    /// The schema `false`.
    var isNever = false
    /// None stands for any.
    var types: SchemaTypes = []
    var values: [JSONValue]?
    var constant: JSONValue?

    var properties: [(name: String, node: Int)] = []
    var propertyNames: Set<[UInt8]> = []
    var required: [String] = []
    var additional: Int?
    var members = Counts()

    var items: Int?
    var prefix: [Int] = []
    var elements = Counts()
    var isUnique = false

    var characters = Counts()
    var numbers = Numbers()

    var any: [Int] = []
    var one: [Int] = []
    var all: [Int] = []
    var none: Int?
    var reference: Int?

    /// Whether it is about objects.
    var isObject: Bool { types.contains(.object) || !properties.isEmpty || additional != nil }

    /// Whether objects have exactly the properties that it names.
    func isClosed(in nodes: [SchemaNode]) -> Bool {
        guard let additional, nodes[additional].isNever else { return false }
        let names = Set(required.map { Array($0.utf8) })
        return names == propertyNames
    }
}
