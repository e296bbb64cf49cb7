import JSONTree

/// Reads a schema into nodes, and collects everything that is wrong with it.
struct SchemaReader {
    static let maximumNodes = 2_000
    static let maximumDepth = 32

    private(set) var nodes: [SchemaNode] = []
    private(set) var problems: [JSONProblem] = []
    /// Whether no keyword was met that strict structured outputs don't take.
    private(set) var isStrict = true

    private let root: JSONValue
    private let pointer: String
    private let unknown: JSONSchema.UnknownKeywords
    /// The nodes by their pointers within the schema, so that a reference finds what it means.
    private var known: [String: Int] = [:]

    init(_ root: JSONValue, pointer: String, unknown: JSONSchema.UnknownKeywords) {
        self.root = root
        self.pointer = pointer
        self.unknown = unknown
    }

    /// Reads everything; the root becomes the first node.
    mutating func readAll() {
        _ = read(root, at: "", depth: 0)
    }

    private mutating func refuse(_ place: String, _ detail: String) {
        problems.append(JSONProblem(pointer: pointer + place, detail: detail))
    }

    private mutating func read(_ value: JSONValue, at place: String, depth: Int) -> Int {
        if let index = known[place] { return index }
        let index = nodes.count
        nodes.append(SchemaNode())
        known[place] = index
        guard index < Self.maximumNodes, depth < Self.maximumDepth else {
            // Said once, and nothing below is read, so that what is too large also ends.
            if problems.isEmpty {
                let bounds = "\(Self.maximumNodes) schemas in it, \(Self.maximumDepth) deep"
                refuse(place, "is too large: at most \(bounds)")
            }
            return index
        }
        switch value.kind {
        case .boolean:
            nodes[index].isNever = value.bool == false
        case .object:
            var node = SchemaNode()
            for (key, member) in value.members {
                let below = JSONPointer.member(key, of: place)
                if !readAssertion(key, member, at: below, into: &node),
                    !readApplicator(key, member, at: below, depth: depth, into: &node)
                {
                    readOther(key, member, at: below, depth: depth)
                }
            }
            nodes[index] = node
        default:
            refuse(place, "must be an object, true or false")
        }
        return index
    }
}

// MARK: - Keywords that check a value by itself

extension SchemaReader {
    private mutating func readAssertion(
        _ key: String, _ value: JSONValue, at place: String, into node: inout SchemaNode
    ) -> Bool {
        switch key {
        case "type": node.types = readTypes(value, at: place)
        case "enum": node.values = readValues(value, at: place)
        case "const": node.constant = value
        case "required": node.required = readNames(value, at: place)
        case "minItems": node.elements.least = readCount(value, at: place)
        case "maxItems": node.elements.most = readCount(value, at: place)
        case "minimum": node.numbers.least = readNumber(value, at: place)
        case "maximum": node.numbers.most = readNumber(value, at: place)
        case "exclusiveMinimum": node.numbers.above = readNumber(value, at: place)
        case "exclusiveMaximum": node.numbers.below = readNumber(value, at: place)
        case "multipleOf":
            node.numbers.step = readNumber(value, at: place)
            if let step = node.numbers.step, step <= .int(0) { refuse(place, "must be above 0") }
        default: return readLooseAssertion(key, value, at: place, into: &node)
        }
        return true
    }

    /// Those that strict structured outputs don't take.
    private mutating func readLooseAssertion(
        _ key: String, _ value: JSONValue, at place: String, into node: inout SchemaNode
    ) -> Bool {
        switch key {
        case "minProperties": node.members.least = readCount(value, at: place)
        case "maxProperties": node.members.most = readCount(value, at: place)
        case "minLength": node.characters.least = readCount(value, at: place)
        case "maxLength": node.characters.most = readCount(value, at: place)
        case "uniqueItems":
            node.isUnique = value.bool == true
            if value.bool == nil { refuse(place, "must be true or false") }
        default: return false
        }
        isStrict = false
        return true
    }

    private mutating func readTypes(_ value: JSONValue, at place: String) -> SchemaTypes {
        let names = value.kind == .array ? Array(value.elements) : [value]
        var types: SchemaTypes = []
        for name in names {
            guard let type = name.string.flatMap({ SchemaTypes(name: $0) }) else {
                refuse(place, "must be null, boolean, object, array, string, integer or number, or an array of those")
                return []
            }
            types.insert(type)
        }
        if types.isEmpty { refuse(place, "must name at least one type") }
        return types
    }

    private mutating func readValues(_ value: JSONValue, at place: String) -> [JSONValue] {
        if value.kind != .array || value.count == 0 { refuse(place, "must be an array of at least one value") }
        return Array(value.elements)
    }

    private mutating func readNames(_ value: JSONValue, at place: String) -> [String] {
        let names = value.elements.compactMap(\.string)
        if value.kind != .array || names.count != value.count { refuse(place, "must be an array of strings") }
        return names
    }

    private mutating func readCount(_ value: JSONValue, at place: String) -> Int64? {
        guard let count = value.int64, count >= 0 else {
            refuse(place, "must be an integer of at least 0")
            return nil
        }
        return count
    }

    private mutating func readNumber(_ value: JSONValue, at place: String) -> JSONNumber? {
        if value.number == nil { refuse(place, "must be a number") }
        return value.number
    }
}

// MARK: - Keywords with schemas in them, and the rest

extension SchemaReader {
    private mutating func readApplicator(
        _ key: String, _ value: JSONValue, at place: String, depth: Int, into node: inout SchemaNode
    ) -> Bool {
        switch key {
        case "properties":
            node.properties = readMembers(value, at: place, depth: depth)
            node.propertyNames = Set(node.properties.map { Array($0.name.utf8) })
        case "additionalProperties": node.additional = read(value, at: place, depth: depth + 1)
        case "items": node.items = read(value, at: place, depth: depth + 1)
        case "anyOf": node.any = readList(value, at: place, depth: depth)
        case "$ref": node.reference = readReference(value, at: place, depth: depth)
        case "$defs": _ = readMembers(value, at: place, depth: depth)
        case "prefixItems", "oneOf", "allOf", "not":
            isStrict = false
            switch key {
            case "prefixItems": node.prefix = readList(value, at: place, depth: depth)
            case "oneOf": node.one = readList(value, at: place, depth: depth)
            case "allOf": node.all = readList(value, at: place, depth: depth)
            default: node.none = read(value, at: place, depth: depth + 1)
            }
        default: return false
        }
        return true
    }

    private mutating func readMembers(
        _ value: JSONValue, at place: String, depth: Int
    ) -> [(name: String, node: Int)] {
        if value.kind != .object { refuse(place, "must be an object of schemas") }
        var members: [(name: String, node: Int)] = []
        for (name, member) in value.members {
            members.append((name, read(member, at: JSONPointer.member(name, of: place), depth: depth + 1)))
        }
        return members
    }

    private mutating func readList(_ value: JSONValue, at place: String, depth: Int) -> [Int] {
        if value.kind != .array || value.count == 0 { refuse(place, "must be an array of at least one schema") }
        var list: [Int] = []
        for (index, element) in value.elements.enumerated() {
            list.append(read(element, at: JSONPointer.element(index, of: place), depth: depth + 1))
        }
        return list
    }

    /// `#`, or `#` and a pointer into the same schema.
    private mutating func readReference(_ value: JSONValue, at place: String, depth: Int) -> Int? {
        guard let text = value.string, text == "#" || text.hasPrefix("#/") else {
            if unknown == .refused { refuse(place, "must be # or begin with #/, as schemas refer to themselves alone") }
            return nil
        }
        var target: JSONValue? = root
        var found = ""
        for part in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let name = Self.unescaped(part)
            target = target.flatMap { value in
                value.kind == .array ? Int(name).flatMap { value[$0] } : value[name]
            }
            found = JSONPointer.member(name, of: found)
        }
        guard let target else {
            refuse(place, "leads to no schema")
            return nil
        }
        return read(target, at: found, depth: depth + 1)
    }

    /// RFC 6901 §4.
    private static func unescaped(_ part: Substring) -> String {
        part.split(separator: "~1", omittingEmptySubsequences: false).map { piece in
            piece.split(separator: "~0", omittingEmptySubsequences: false).joined(separator: "~")
        }.joined(separator: "/")
    }

    private mutating func readOther(_ key: String, _ value: JSONValue, at place: String, depth: Int) {
        switch key {
        case "title", "description", "default", "examples", "format", "deprecated", "readOnly", "writeOnly", "$schema",
            "$comment":
            // Annotations; `format` is one too, unless a schema's vocabulary says otherwise.
            break
        case "definitions" where unknown == .ignored:
            // What `$defs` was called in older drafts, which servers still write.
            _ = readMembers(value, at: place, depth: depth)
        default:
            isStrict = false
            guard unknown == .refused else { return }
            refuse(place, "is not a keyword that answers are checked by here")
        }
    }
}
