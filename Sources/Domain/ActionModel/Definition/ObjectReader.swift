import JSONTree

/// Reads the members of a JSON object and collects everything that is wrong with it.
///
/// A person who sends a definition with three mistakes hears of all three at once. Members that nobody asked for are
/// refused at the end, so that a misspelt name is never silently ignored. A member that is `null` counts as absent.
package struct ObjectReader {
    /// Where the object is.
    package let pointer: String
    /// What has been found wrong so far.
    package private(set) var problems: [JSONProblem] = []

    private let value: JSONValue
    private var known: [String] = []

    /// Starts reading; a value that is no object is the first problem.
    package init(_ value: JSONValue, pointer: String) {
        self.value = value
        self.pointer = pointer
        if value.kind != .object { problems.append(JSONProblem(pointer: pointer, detail: "must be an object")) }
    }

    /// Whether the value is an object at all.
    package var isObject: Bool { value.kind == .object }

    /// The pointer to a member.
    package func pointer(to name: String) -> String { JSONPointer.member(name, of: pointer) }

    /// The member, known from now on; nil when it is absent or `null`.
    package mutating func member(_ name: String, required: Bool = false) -> JSONValue? {
        known.append(name)
        if let member = value[name], !member.isNull { return member }
        if required, isObject { refuse(name, "is required") }
        return nil
    }

    /// The member, known from now on, where `null` is a value like any other.
    package mutating func memberOrNull(_ name: String, required: Bool = false) -> JSONValue? {
        known.append(name)
        let member = value[name]
        if member == nil, required, isObject { refuse(name, "is required") }
        return member
    }

    /// Whether the object has the member, `null` included.
    package func has(_ name: String) -> Bool { value[name] != nil }

    /// Notes that a member is wrong.
    package mutating func refuse(_ name: String, _ detail: String) {
        problems.append(JSONProblem(pointer: pointer(to: name), detail: detail))
    }

    /// Notes that the object as a whole is wrong.
    package mutating func refuse(_ detail: String) {
        problems.append(JSONProblem(pointer: pointer, detail: detail))
    }

    /// Runs something that may find problems of its own, and keeps them.
    @discardableResult
    package mutating func attempt<T>(_ body: () throws(JSONValidationError) -> T) -> T? {
        do throws(JSONValidationError) {
            return try body()
        } catch {
            problems += error.problems
            return nil
        }
    }

    /// Ends the reading.
    ///
    /// - Throws: all problems, members that were not asked for included.
    package mutating func finish() throws(JSONValidationError) {
        for (key, _) in value.members where !known.contains(where: { $0.utf8.elementsEqual(key.utf8) }) {
            refuse(key, "is not a member here; known are \(known.joined(separator: ", "))")
        }
        guard problems.isEmpty else { throw JSONValidationError(problems) }
    }
}

// MARK: - Members of a kind

extension ObjectReader {
    /// A string whose length in characters (Unicode scalars) is within bounds.
    package mutating func string(
        _ name: String, required: Bool = false, length: ClosedRange<Int> = 0...Int.max
    ) -> String? {
        guard let member = member(name, required: required) else { return nil }
        guard let text = member.string else {
            refuse(name, "must be a string")
            return nil
        }
        guard length.contains(text.unicodeScalars.count) else {
            refuse(name, "must have \(length.lowerBound) to \(length.upperBound) characters")
            return nil
        }
        return text
    }

    /// An integer within bounds.
    package mutating func integer(_ name: String, in range: ClosedRange<Int64>) -> Int64? {
        guard let member = member(name) else { return nil }
        guard let integer = member.int64, range.contains(integer) else {
            refuse(name, "must be an integer from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return integer
    }

    /// A boolean.
    package mutating func bool(_ name: String) -> Bool? {
        guard let member = member(name) else { return nil }
        if member.bool == nil { refuse(name, "must be true or false") }
        return member.bool
    }

    /// An array with a bounded number of elements; nil when absent or wrong.
    package mutating func array(
        _ name: String, required: Bool = false, count: ClosedRange<Int>
    ) -> [(element: JSONValue, pointer: String)]? {
        guard let member = member(name, required: required) else { return nil }
        guard member.kind == .array, count.contains(member.count) else {
            refuse(name, "must be an array of \(count.lowerBound) to \(count.upperBound) elements")
            return nil
        }
        let place = pointer(to: name)
        return member.elements.enumerated().map { ($1, JSONPointer.element($0, of: place)) }
    }

    /// A member that belongs to a later version: its presence is a problem.
    package mutating func later(_ name: String) {
        if member(name) != nil { refuse(name, "arrives with a later version") }
    }
}
