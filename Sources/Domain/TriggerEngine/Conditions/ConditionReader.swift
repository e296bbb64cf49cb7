import ActionModel
import EventModel
import JSONTree

/// Reads a condition tree and collects everything that is wrong with it.
struct ConditionReader {
    static let maximumDepth = 16
    static let maximumNodes = 500
    static let maximumStates = 20

    var problems: [JSONProblem] = []
    /// Whether there may be leaves that remember.
    var allowsState: Bool
    /// Whether a similarity may do without the least degree, because that is what is looked for.
    var isCalibrating = false
    /// How many leaves that remember there are.
    var states = 0
    private var nodes = 0

    init(allowsState: Bool) {
        self.allowsState = allowsState
    }

    /// Reads a node; nil when it, or something in it, is wrong.
    mutating func read(_ value: JSONValue, pointer: String, depth: Int) -> TriggerCondition? {
        nodes += 1
        guard nodes <= Self.maximumNodes else {
            // Once is enough; the nodes after this one would say the same.
            if nodes == Self.maximumNodes + 1 { refuse(pointer, "a condition has at most \(Self.maximumNodes) parts") }
            return nil
        }
        guard depth <= Self.maximumDepth else {
            refuse(pointer, "a condition nests at most \(Self.maximumDepth) deep")
            return nil
        }
        guard value.kind == .object else {
            refuse(pointer, "a condition must be an object")
            return nil
        }
        if value["conditions"] != nil {
            return readOnly("conditions", of: value, pointer: pointer).flatMap { list in
                readFlatList(list, pointer: JSONPointer.member("conditions", of: pointer), depth: depth + 1)
            }
        }
        for name in ["all", "any"] where value[name] != nil {
            let parts = readOnly(name, of: value, pointer: pointer).flatMap { list in
                readList(list, pointer: JSONPointer.member(name, of: pointer), depth: depth + 1)
            }
            return parts.map { name == "any" ? .any($0) : .all($0) }
        }
        if value["not"] != nil {
            let part = readOnly("not", of: value, pointer: pointer).flatMap { part in
                read(part, pointer: JSONPointer.member("not", of: pointer), depth: depth + 1)
            }
            return part.map { .not($0) }
        }
        if value["aggregate"] != nil || value["sequence"] != nil || value["absence"] != nil {
            return readStateful(value, pointer: pointer, depth: depth)
        }
        if value["similar_to"] != nil { return readSimilarity(value, pointer: pointer) }
        return value["condition_type"] != nil ? readSeed(value, pointer: pointer) : readLeaf(value, pointer: pointer)
    }

    /// Reads an array of nodes; nil when it, or one of them, is wrong.
    mutating func readList(_ value: JSONValue, pointer: String, depth: Int) -> [TriggerCondition]? {
        guard value.kind == .array else {
            refuse(pointer, "must be an array of conditions")
            return nil
        }
        var parts: [TriggerCondition] = []
        for (index, element) in value.elements.enumerated() {
            let part = read(element, pointer: JSONPointer.element(index, of: pointer), depth: depth)
            if let part { parts.append(part) }
        }
        return parts.count == value.count ? parts : nil
    }

    /// Reads a flat list, all of which must be true. The parts that look at one event alone say which events those that
    /// remember count.
    mutating func readFlatList(_ value: JSONValue, pointer: String, depth: Int) -> TriggerCondition? {
        guard let parts = readList(value, pointer: pointer, depth: depth) else { return nil }
        let plain = zip(parts, value.elements).compactMap { part, source in
            part.stateless.map { (condition: $0, identity: StateIdentity.canonical(source)) }
        }
        guard plain.count < parts.count else { return .all(parts) }
        return .all(
            parts.map { part in
                guard case .aggregate(let aggregate) = part, !plain.isEmpty else { return part }
                return .aggregate(aggregate.counting(only: plain.map(\.condition), plain.map(\.identity)))
            })
    }

    mutating func refuse(_ pointer: String, _ detail: String) {
        problems.append(JSONProblem(pointer: pointer, detail: detail))
    }

    /// The one member that a node may have.
    private mutating func readOnly(_ name: String, of value: JSONValue, pointer: String) -> JSONValue? {
        var reader = ObjectReader(value, pointer: pointer)
        let member = reader.memberOrNull(name)
        finish(&reader)
        return member
    }

    /// Ends the reading of a node and keeps its problems; false when there were any.
    @discardableResult
    mutating func finish(_ reader: inout ObjectReader) -> Bool {
        do throws(JSONValidationError) {
            try reader.finish()
            return true
        } catch {
            problems += error.problems
            return false
        }
    }

    private mutating func readLeaf(_ value: JSONValue, pointer: String) -> TriggerCondition? {
        var reader = ObjectReader(value, pointer: pointer)
        let field = readField(&reader, or: nil)
        let name = readOperator(&reader, or: nil)
        let operand = reader.memberOrNull("value", required: true)
        let place = reader.pointer(to: "value")
        var comparison: Comparison?
        if let field, let name, let operand {
            comparison = reader.attempt { () throws(JSONValidationError) -> Comparison in
                try Comparison(field, name, operand, pointer: place)
            }
        }
        return finish(&reader) ? comparison.map { .leaf($0) } : nil
    }

    /// Reads a path; without one, the default if there is one.
    func readField(_ reader: inout ObjectReader, or standard: FieldPath?) -> FieldPath? {
        guard let text = reader.string("field", required: standard == nil) else { return standard }
        do throws(JSONValidationError) {
            return try FieldPath(text)
        } catch {
            reader.refuse("field", error.problems[0].detail)
            return nil
        }
    }

    /// Reads an operator; without one, the default if there is one.
    func readOperator(_ reader: inout ObjectReader, or standard: Operator?) -> Operator? {
        guard let name = reader.string("operator", required: standard == nil) else { return standard }
        guard let known = Operator(name: name) else {
            let names = Operator.allCases.map(\.rawValue).joined(separator: ", ")
            reader.refuse("operator", "must be one of \(names)")
            return nil
        }
        return known
    }
}
