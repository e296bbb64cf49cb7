import JSONTree

/// Goes through an event's data and names every field in it.
///
/// A path is written as in conditions (`customer.name`, `["odd key"]`), with `[]` for the elements of an array,
/// whatever their number: `items[].sku`. Containers are fields too. What lies deeper than eight steps, and paths longer
/// than 256 bytes, are not named but counted.
struct FieldWalk {
    static let maximumDepth = 8
    static let maximumPathBytes = 256

    /// Each path that occurs, with the kinds of its values in this event and the first scalar of them.
    private(set) var fields: [String: Sighting] = [:]
    /// How many members and elements were not named.
    private(set) var skipped: Int64 = 0

    /// What one event has at a path.
    struct Sighting {
        var kinds: Set<JSONValue.Kind>
        let first: JSONValue
    }

    init(_ data: JSONValue) {
        visitContents(of: data, path: "", depth: 1)
    }

    private mutating func visitContents(of value: JSONValue, path: String, depth: Int) {
        guard depth <= Self.maximumDepth else {
            skipped += Int64(value.count)
            return
        }
        for (key, member) in value.members {
            visit(member, path: Self.path(to: key, in: path), depth: depth)
        }
        for element in value.elements {
            visit(element, path: path + "[]", depth: depth)
        }
    }

    private mutating func visit(_ value: JSONValue, path: String, depth: Int) {
        guard path.utf8.count <= Self.maximumPathBytes else {
            skipped += 1
            return
        }
        fields[path, default: Sighting(kinds: [], first: value)].kinds.insert(value.kind)
        visitContents(of: value, path: path, depth: depth + 1)
    }

    private static func path(to key: String, in path: String) -> String {
        let step = JSONPath(components: [.key(key)]).description
        return path.isEmpty || step.utf8.first == UInt8(ascii: "[") ? path + step : "\(path).\(step)"
    }
}
