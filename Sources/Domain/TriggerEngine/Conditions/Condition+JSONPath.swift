import EventModel
import JSONTree

extension Condition {
    /// Most paths that are worth their price.
    private static let maximumPaths = 8

    /// SQL/JSON path expressions that find something in the data of every event of which the condition is true.
    ///
    /// They let the database pass over most events that can't match, before these are sent and parsed; the condition
    /// itself decides. So they are generous where JSON is not one thing to both: numbers, which are decimal there and
    /// may be doubles here, are compared with the next doubles. All names and strings in them are quoted.
    public var jsonPaths: [String] {
        switch self {
        case .leaf(let comparison): comparison.jsonPath.map { [$0] } ?? []
        case .all(let parts): Array(parts.lazy.flatMap(\.jsonPaths).prefix(Self.maximumPaths))
        case .any, .not: []
        }
    }
}

extension Comparison {
    fileprivate var jsonPath: String? {
        guard case .data(let path?) = field.root, let predicate = test.jsonPathPredicate else { return nil }
        let steps = path.components.map { component in
            switch component {
            case .key(let key): "." + quoted(key)
            case .index(let index): "[\(index)]"
            }
        }
        return "$\(steps.joined()) ? (\(predicate))"
    }
}

extension Comparison.Test {
    fileprivate var jsonPathPredicate: String? {
        switch self {
        case .equal(.null): "@ == null"
        case .equal(.boolean(let value)): "@ == \(value)"
        case .equal(.text(let bytes, _)): "@ == " + quoted(String(decoding: bytes, as: UTF8.self))
        case .equal(.number(let number)): Self.between(number, number)
        case .greater(.number(let number)), .greaterOrEqual(.number(let number)): Self.between(number, nil)
        case .less(.number(let number)), .lessOrEqual(.number(let number)): Self.between(nil, number)
        case .between(.number(let low), .number(let high)): Self.between(low, high)
        case .prefix(let bytes): "@ starts with " + quoted(String(decoding: bytes, as: UTF8.self))
        default: nil
        }
    }

    /// A little more than the numbers from the one to the other.
    private static func between(_ low: JSONNumber?, _ high: JSONNumber?) -> String? {
        // Twice, because an integer may have been rounded away from its own bound.
        let low = low.map { $0.double.nextDown.nextDown }
        let high = high.map { $0.double.nextUp.nextUp }
        let bounds = [low.map { ($0, ">=") }, high.map { ($0, "<=") }].compactMap { $0 }
        guard bounds.allSatisfy(\.0.isFinite) else { return nil }
        return bounds.map { bound, relation in
            var writer = JSONWriter()
            writer.double(bound)
            return "@ \(relation) \(String(decoding: writer.bytes, as: UTF8.self))"
        }.joined(separator: " && ")
    }
}

private func quoted(_ text: String) -> String {
    var writer = JSONWriter()
    writer.string(text)
    return String(decoding: writer.bytes, as: UTF8.self)
}
