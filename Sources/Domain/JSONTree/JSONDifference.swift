/// One place in which two values differ.
public struct JSONDifference: Sendable {
    /// The steps to the place, from the outermost value.
    public let path: [JSONPath.Component]
    /// What is there in the first value; nil for nothing.
    public let before: JSONValue?
    /// What is there in the second value; nil for nothing.
    public let after: JSONValue?

    /// The place as an RFC 6901 pointer.
    public var pointer: String {
        path.reduce("") { pointer, step in
            switch step {
            case .key(let key): JSONPointer.member(key, of: pointer)
            case .index(let index): JSONPointer.element(index, of: pointer)
            }
        }
    }

    /// Where two values differ, as deep down as can be told, in the order of the first and then of the second.
    ///
    /// Objects are compared member by member, arrays element by element in their places; the order of members and the
    /// spelling of numbers do not count.
    public static func between(_ before: JSONValue, _ after: JSONValue) -> [JSONDifference] {
        var found: [JSONDifference] = []
        compare(before, after, at: [], into: &found)
        return found
    }

    private static func compare(
        _ before: JSONValue?, _ after: JSONValue?, at path: [JSONPath.Component], into found: inout [JSONDifference]
    ) {
        guard let before, let after, before.kind == after.kind, before.kind == .object || before.kind == .array else {
            if before != after { found.append(JSONDifference(path: path, before: before, after: after)) }
            return
        }
        guard before.kind == .object else {
            let (old, new) = (Array(before.elements), Array(after.elements))
            for index in 0..<max(old.count, new.count) {
                compare(
                    index < old.count ? old[index] : nil, index < new.count ? new[index] : nil,
                    at: path + [.index(index)],
                    into: &found)
            }
            return
        }
        for (key, value) in before.members { compare(value, after[key], at: path + [.key(key)], into: &found) }
        for (key, value) in after.members where before[key] == nil {
            compare(nil, value, at: path + [.key(key)], into: &found)
        }
    }
}
