import EventModel
import JSONTree

extension Comparison {
    /// Longest string that a field is compared with, in bytes.
    static let maximumTextLength = 4_096

    /// Prepares a comparison.
    ///
    /// - Parameter pointer: where the value is.
    /// - Throws: what is wrong with the value for this operator and field.
    init(
        _ field: FieldPath, _ name: Operator, _ value: JSONValue, pointer: String
    ) throws(JSONValidationError) {
        self.field = field
        self.name = name
        source = Array(value.source)
        let reader = OperandReader(field: field, operator: name)
        do throws(OperandReader.Flaw) {
            test = try reader.read(value)
        } catch {
            throw JSONValidationError(pointer: pointer + error.place, detail: error.detail)
        }
    }
}

/// Turns the value of a leaf into what its operator needs.
private struct OperandReader {
    let field: FieldPath
    let `operator`: Operator

    struct Flaw: Error {
        let detail: String
        /// Where in the value.
        var place = ""
    }

    func read(_ value: JSONValue) throws(Flaw) -> Comparison.Test {
        switch `operator` {
        case .eq: return .equal(try operand(value))
        case .ne: return .unequal(try operand(value))
        case .gt: return .greater(try ordered(value))
        case .gte: return .greaterOrEqual(try ordered(value))
        case .lt: return .less(try ordered(value))
        case .lte: return .lessOrEqual(try ordered(value))
        case .in: return .member(try set(value))
        case .notIn: return .noMember(try set(value))
        case .between: return try between(value)
        case .contains: return try contains(value)
        case .startsWith: return .prefix(Array(try text(value).utf8))
        case .endsWith: return .suffix(Array(try text(value).utf8))
        case .matches: return .matches(try regex(value))
        case .exists:
            guard let isThere = value.bool else { throw Flaw(detail: "exists takes true or false") }
            return .exists(isThere)
        case .isType:
            guard let kind = value.string.flatMap({ JSONValue.Kind(rawValue: $0) }) else {
                let kinds = JSONValue.Kind.allCases.map(\.rawValue).joined(separator: ", ")
                throw Flaw(detail: "is_type takes one of \(kinds)")
            }
            return .kind(kind)
        case .cidr:
            guard let block = value.string.flatMap({ AddressBlock($0) }) else {
                throw Flaw(detail: "cidr takes a block of addresses, like \"10.0.0.0/8\" or \"2001:db8::/32\"")
            }
            return .address(block)
        }
    }

    private func operand(_ value: JSONValue, isTime: Bool? = nil) throws(Flaw) -> Operand {
        let operand = Operand(value)
        if case .text(let bytes, let time) = operand {
            guard bytes.count <= Comparison.maximumTextLength else {
                throw Flaw(detail: "a string here has at most \(Comparison.maximumTextLength) bytes")
            }
            if time != nil { return operand }
        }
        guard !(isTime ?? field.isTime) else {
            throw Flaw(detail: "\(field) is a time; compare it with an RFC 3339 string like \"2026-03-01T09:30:00Z\"")
        }
        return operand
    }

    private func ordered(_ value: JSONValue) throws(Flaw) -> Operand {
        let operand = try operand(value)
        guard operand.isOrdered else { throw Flaw(detail: "\(`operator`.rawValue) takes a number or a string") }
        return operand
    }

    private func set(_ value: JSONValue) throws(Flaw) -> OperandSet {
        guard value.kind == .array, value.count <= OperandSet.maximumCount else {
            throw Flaw(detail: "\(`operator`.rawValue) takes an array of at most \(OperandSet.maximumCount) values")
        }
        var operands: [Operand] = []
        for (index, element) in value.elements.enumerated() {
            do throws(Flaw) {
                operands.append(try operand(element))
            } catch {
                throw Flaw(detail: error.detail, place: "/\(index)")
            }
        }
        return OperandSet(operands)
    }

    private func between(_ value: JSONValue) throws(Flaw) -> Comparison.Test {
        guard value.kind == .array, value.count == 2, let first = value[0], let second = value[1] else {
            throw Flaw(detail: "between takes [low, high]")
        }
        let low = try operand(first)
        let high = try operand(second)
        switch (low, high) {
        case (.number(let low), .number(let high)):
            guard low <= high else { throw Flaw(detail: "between takes the low end first") }
        case (.text(let left, let leftTime), .text(let right, let rightTime)):
            let isForwards: Bool
            if field.isTime, let leftTime, let rightTime {
                isForwards = leftTime <= rightTime
            } else {
                isForwards = !right.lexicographicallyPrecedes(left)
            }
            guard isForwards else { throw Flaw(detail: "between takes the low end first") }
        default:
            throw Flaw(detail: "between takes two numbers or two strings")
        }
        return .between(low, high)
    }

    private func contains(_ value: JSONValue) throws(Flaw) -> Comparison.Test {
        let operand = try operand(value, isTime: false)
        return .contains(operand, value.string.map { ByteSearch(Array($0.utf8)) })
    }

    private func text(_ value: JSONValue) throws(Flaw) -> String {
        guard let text = value.string else { throw Flaw(detail: "\(`operator`.rawValue) takes a string") }
        guard text.utf8.count <= Comparison.maximumTextLength else {
            throw Flaw(detail: "a string here has at most \(Comparison.maximumTextLength) bytes")
        }
        return text
    }

    private func regex(_ value: JSONValue) throws(Flaw) -> Regex {
        let text = try text(value)
        do throws(RegexError) {
            return try Regex(text)
        } catch {
            throw Flaw(detail: "not a regular expression: \(error.detail), at character \(error.offset)")
        }
    }
}

extension FieldPath {
    /// Whether the field is a moment, not a string.
    fileprivate var isTime: Bool { root == .time || root == .receivedAt }
}
