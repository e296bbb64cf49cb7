import JSONTree

/// Holds a value against the nodes of a schema.
///
/// The work is bounded: alternatives within alternatives could take time exponential in the schema's depth, and a
/// reference may lead to itself.
struct SchemaCheck {
    private static let maximumProblems = 20
    private static let maximumSteps = 100_000
    private static let maximumDepth = 200

    let nodes: [SchemaNode]
    private(set) var problems: [JSONProblem] = []
    private var steps = 0

    init(nodes: [SchemaNode]) {
        self.nodes = nodes
    }

    private var isOver: Bool { problems.count >= Self.maximumProblems }

    private mutating func refuse(_ pointer: String, _ detail: String) {
        if !isOver { problems.append(JSONProblem(pointer: pointer, detail: detail)) }
    }

    /// Notes what is wrong with a value.
    mutating func check(_ value: JSONValue, _ index: Int, at pointer: String, depth: Int) {
        steps += 1
        guard steps <= Self.maximumSteps, depth <= Self.maximumDepth else {
            if problems.last?.detail != Self.tooMuch { refuse(pointer, Self.tooMuch) }
            return
        }
        guard !isOver else { return }
        let node = nodes[index]
        if node.isNever { return refuse(pointer, "must not be there") }
        if !node.types.isEmpty, !node.types.contains(value) {
            return refuse(pointer, "must be of type \(node.types.description)")
        }
        checkValues(value, node, at: pointer)
        switch value.kind {
        case .object: checkObject(value, node, at: pointer, depth: depth)
        case .array: checkArray(value, node, at: pointer, depth: depth)
        case .string: checkString(value, node, at: pointer)
        case .integer, .number: checkNumber(value, node, at: pointer)
        case .null, .boolean: break
        }
        combine(value, node, at: pointer, depth: depth)
    }

    private static let tooMuch = "is too much to be checked"

    private mutating func checkValues(_ value: JSONValue, _ node: SchemaNode, at pointer: String) {
        if let values = node.values, !values.contains(value) {
            let shown = values.prefix(20).map(\.description).joined(separator: ", ")
            refuse(pointer, "must be one of \(shown)")
        }
        if let constant = node.constant, constant != value { refuse(pointer, "must be \(constant)") }
    }

    private mutating func checkObject(_ value: JSONValue, _ node: SchemaNode, at pointer: String, depth: Int) {
        if let problem = node.members.problem(value.count, of: "members") { refuse(pointer, problem) }
        for name in node.required where value[name] == nil {
            refuse(JSONPointer.member(name, of: pointer), "is required")
        }
        for (name, property) in node.properties {
            guard let member = value[name] else { continue }
            check(member, property, at: JSONPointer.member(name, of: pointer), depth: depth + 1)
        }
        guard let additional = node.additional else { return }
        for (name, member) in value.members where !node.propertyNames.contains(Array(name.utf8)) {
            let place = JSONPointer.member(name, of: pointer)
            if nodes[additional].isNever {
                refuse(place, "is not a property here")
            } else {
                check(member, additional, at: place, depth: depth + 1)
            }
        }
    }

    private mutating func checkArray(_ value: JSONValue, _ node: SchemaNode, at pointer: String, depth: Int) {
        if let problem = node.elements.problem(value.count, of: "elements") { refuse(pointer, problem) }
        for (index, element) in value.elements.enumerated() {
            guard let schema = index < node.prefix.count ? node.prefix[index] : node.items else { break }
            check(element, schema, at: JSONPointer.element(index, of: pointer), depth: depth + 1)
        }
        guard node.isUnique else { return }
        let elements = Array(value.elements)
        for index in elements.indices.dropFirst() {
            steps += index
            guard steps <= Self.maximumSteps else { return refuse(pointer, Self.tooMuch) }
            if elements[..<index].contains(elements[index]) {
                return refuse(JSONPointer.element(index, of: pointer), "is there twice")
            }
        }
    }

    private mutating func checkString(_ value: JSONValue, _ node: SchemaNode, at pointer: String) {
        guard node.characters.least != nil || node.characters.most != nil else { return }
        let count = value.string?.unicodeScalars.count ?? 0
        if let problem = node.characters.problem(count, of: "characters") { refuse(pointer, problem) }
    }

    private mutating func checkNumber(_ value: JSONValue, _ node: SchemaNode, at pointer: String) {
        guard let number = value.number else { return }
        let bounds = node.numbers
        if let least = bounds.least, number < least { refuse(pointer, "must be at least \(least.text)") }
        if let most = bounds.most, number > most { refuse(pointer, "must be at most \(most.text)") }
        if let above = bounds.above, number <= above { refuse(pointer, "must be above \(above.text)") }
        if let below = bounds.below, number >= below { refuse(pointer, "must be below \(below.text)") }
        if let step = bounds.step, !number.isMultiple(of: step) {
            refuse(pointer, "must be a multiple of \(step.text)")
        }
    }
}

// MARK: - Combinations

extension SchemaCheck {
    private mutating func combine(_ value: JSONValue, _ node: SchemaNode, at pointer: String, depth: Int) {
        if let reference = node.reference { check(value, reference, at: pointer, depth: depth + 1) }
        for schema in node.all { check(value, schema, at: pointer, depth: depth + 1) }
        if !node.any.isEmpty {
            var found: [JSONProblem] = []
            let fits = node.any.contains { schema in
                let problems = trial(value, schema, at: pointer, depth: depth)
                found += problems.prefix(1)
                return problems.isEmpty
            }
            if !fits { refuse(pointer, "fits none of its alternatives (\(Self.summary(found, from: pointer)))") }
        }
        if !node.one.isEmpty {
            let trials = node.one.map { trial(value, $0, at: pointer, depth: depth) }
            let count = trials.count { $0.isEmpty }
            if count == 0 {
                let found = trials.flatMap { $0.prefix(1) }
                refuse(pointer, "fits none of its alternatives (\(Self.summary(found, from: pointer)))")
            } else if count > 1 {
                refuse(pointer, "fits \(count) of its alternatives, and must fit one")
            }
        }
        if let none = node.none, trial(value, none, at: pointer, depth: depth).isEmpty {
            refuse(pointer, "fits what it must not fit")
        }
    }

    private mutating func trial(_ value: JSONValue, _ index: Int, at pointer: String, depth: Int) -> [JSONProblem] {
        var check = SchemaCheck(nodes: nodes)
        check.steps = steps
        check.check(value, index, at: pointer, depth: depth + 1)
        steps = check.steps
        return check.problems
    }

    private static func summary(_ problems: [JSONProblem], from pointer: String) -> String {
        problems.prefix(5).map { problem in
            let below = problem.pointer.dropFirst(pointer.count)
            return below.isEmpty ? problem.detail : "\(below) \(problem.detail)"
        }.joined(separator: "; ")
    }
}

extension JSONNumber {
    /// As JSON writes it.
    fileprivate var text: String {
        switch self {
        case .int(let value): "\(value)"
        case .uint(let value): "\(value)"
        case .double(let value): "\(value)"
        }
    }

    /// Exact for integers; else by the nearest double of the quotient, as decimal fractions have no exact one.
    fileprivate func isMultiple(of step: JSONNumber) -> Bool {
        if case .int(let value) = self, case .int(let step) = step { return step != 0 && value % step == 0 }
        let quotient = double / step.double
        guard quotient.isFinite else { return false }
        return (quotient - quotient.rounded()).magnitude <= quotient.magnitude.ulp * 4
    }
}
