import JSONTree

/// A JSON Schema (2020-12), as the API's description has it.
struct Schema: Sendable {
    private var members: [(name: String, value: JSONLiteral)]

    init(_ members: [(name: String, value: JSONLiteral)]) {
        self.members = members
    }

    var literal: JSONLiteral { .object(members) }

    /// The same with one more member, or with another value for one.
    func with(_ name: String, _ value: JSONLiteral?) -> Schema {
        guard let value else { return self }
        var copy = self
        copy.members.removeAll { $0.name == name }
        copy.members.append((name: name, value: value))
        return copy
    }

    func about(_ text: String?) -> Schema { with("description", text.map { .text($0) }) }
    func example(_ value: JSONLiteral) -> Schema { with("examples", [value]) }
    func usually(_ value: JSONLiteral) -> Schema { with("default", value) }

    /// The same, or `null`.
    var orNull: Schema {
        guard let index = members.firstIndex(where: { $0.name == "type" }), case .text(let type) = members[index].value
        else { return members.isEmpty ? self : .any(of: [self, Schema([("type", "null")])]) }
        var copy = self
        copy.members[index].value = [.text(type), "null"]
        if let choices = copy.members.firstIndex(where: { $0.name == "enum" }),
            case .array(let values) = copy.members[choices].value
        {
            copy.members[choices].value = .array(values + [.null])
        }
        return copy
    }
}

// MARK: - Kinds

extension Schema {
    /// Any JSON value.
    static let anything = Schema([])
    static let flag = Schema([("type", "boolean")])
    static let number = Schema([("type", "number")])
    static let count = Schema([("type", "integer"), ("minimum", 0)])
    static let uuid = Schema([("type", "string"), ("format", "uuid")])
    static let time = Schema([("type", "string"), ("format", "date-time")])
    static let day = Schema([("type", "string"), ("format", "date")])
    static let uri = Schema([("type", "string"), ("minLength", 1), ("maxLength", 8_192)])
    /// A duration such as `90s`, `15m`, `1h` or `7d`.
    static let duration = Schema([("type", "string"), ("pattern", "^[0-9]+(ms|s|m|h|d)$")]).example("10m")
    /// Text that is not empty.
    static let word = Schema([("type", "string"), ("minLength", 1)])
    /// One of a stream of server-sent events.
    static func serverSentEvent(_ names: [String]) -> Schema {
        object([
            .sometimes("event", choice(names)), .sometimes("id", text()), .sometimes("retry", count),
            .sometimes("data", text().with("contentMediaType", "application/json")),
        ])
    }
    /// A JSON object of any members.
    static let anyObject = Schema([("type", "object")])

    static func text(_ length: ClosedRange<Int>? = nil) -> Schema {
        Schema([("type", "string")])
            .with("minLength", length.flatMap { $0.lowerBound > 0 ? .integer($0.lowerBound) : nil })
            .with("maxLength", length.map { .integer($0.upperBound) })
    }

    /// Text without control characters, which is what the members of an event are.
    static func line(_ length: ClosedRange<Int>) -> Schema {
        text(length).with("pattern", #"^[^\u0000-\u001f\u007f-\u009f]*$"#)
    }

    static func integer(_ range: ClosedRange<Int>) -> Schema {
        Schema([
            ("type", "integer"), ("minimum", .integer(range.lowerBound)), ("maximum", .integer(range.upperBound)),
        ])
    }

    static func choice(_ values: [String]) -> Schema {
        Schema([("type", "string"), ("enum", .array(values.map { .text($0) }))])
    }

    static func choice<Choice: RawRepresentable & CaseIterable>(_ type: Choice.Type) -> Schema
    where Choice.RawValue == String {
        choice(Choice.allCases.map(\.rawValue))
    }

    static func constant(_ value: String) -> Schema { Schema([("type", "string"), ("const", .text(value))]) }

    static func array(of element: Schema, count: ClosedRange<Int>? = nil) -> Schema {
        Schema([("type", "array"), ("items", element.literal)])
            .with("minItems", count.flatMap { $0.lowerBound > 0 ? .integer($0.lowerBound) : nil })
            .with("maxItems", count.map { .integer($0.upperBound) })
    }

    /// An object with any names, whose values are all of one kind.
    static func map(of value: Schema) -> Schema {
        Schema([("type", "object"), ("additionalProperties", value.literal)])
    }

    static func any(of schemas: [Schema]) -> Schema { Schema([("anyOf", .array(schemas.map(\.literal)))]) }
    static func one(of schemas: [Schema]) -> Schema { Schema([("oneOf", .array(schemas.map(\.literal)))]) }

    /// A schema of the document's components.
    static func reference(_ name: String) -> Schema { Schema([("$ref", .text("#/components/schemas/\(name)"))]) }

    /// An object that the API sends.
    static func object(_ properties: [Property]) -> Schema {
        Schema([
            ("type", "object"), ("properties", .object(properties.map { (name: $0.name, value: $0.schema.literal) })),
        ])
        .with("required", required(properties))
    }

    /// An object that the API takes: a member that it does not know is refused.
    static func order(_ properties: [Property]) -> Schema {
        object(properties).with("additionalProperties", false)
    }

    /// A page of a list.
    static func page(of item: Schema, also more: [Property] = []) -> Schema {
        object(
            more + [
                .always("data", .array(of: item)),
                .always(
                    "next_cursor", Schema.text().orNull,
                    "What to send as `cursor` for the next page; null on the last."),
            ])
    }

    private static func required(_ properties: [Property]) -> JSONLiteral? {
        let names = properties.filter(\.isRequired).map { JSONLiteral.text($0.name) }
        return names.isEmpty ? nil : .array(names)
    }
}

/// A member of an object.
struct Property: Sendable {
    let name: String
    let schema: Schema
    let isRequired: Bool

    /// It is there, or must be.
    static func always(_ name: String, _ schema: Schema, _ about: String? = nil) -> Property {
        Property(name: name, schema: schema.about(about), isRequired: true)
    }

    /// It is there, and may be null.
    static func orNull(_ name: String, _ schema: Schema, _ about: String? = nil) -> Property {
        Property(name: name, schema: schema.orNull.about(about), isRequired: true)
    }

    /// An answer may lack it.
    static func sometimes(_ name: String, _ schema: Schema, _ about: String? = nil) -> Property {
        Property(name: name, schema: schema.about(about), isRequired: false)
    }

    /// A request may lack it, or have null instead.
    static func optional(_ name: String, _ schema: Schema, _ about: String? = nil) -> Property {
        Property(name: name, schema: schema.orNull.about(about), isRequired: false)
    }
}
