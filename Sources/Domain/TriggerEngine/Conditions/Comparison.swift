import EventModel
import JSONTree

/// A leaf: a field and what it is held against.
///
/// A field that is missing, or of another type than the comparison's, is false, for `ne` and `not_in` too.
public struct Comparison: Sendable {
    /// Which field is looked at.
    public let field: FieldPath
    let test: Test
    /// The operator, which a similarity has none of, and the value as written, for whoever wants to know why.
    let name: Operator?
    let source: [UInt8]

    /// What is asked of a field, prepared so that asking parses nothing.
    enum Test: Sendable {
        case equal(Operand)
        case unequal(Operand)
        case less(Operand)
        case lessOrEqual(Operand)
        case greater(Operand)
        case greaterOrEqual(Operand)
        case member(OperandSet)
        case noMember(OperandSet)
        case between(Operand, Operand)
        case contains(Operand, ByteSearch?)
        case prefix([UInt8])
        case suffix([UInt8])
        case matches(Regex)
        case exists(Bool)
        case kind(JSONValue.Kind)
        case address(AddressBlock)
        case similar(Similarity)
    }

    /// Whether the comparison is true of an event, whose vector is made at most once.
    func evaluate(_ event: ParsedEvent, _ vectors: inout EventVectors) -> Bool {
        if case .similar(let similarity) = test {
            return similarity.degree(vectors.vector(of: event, for: self)).map { similarity.holds($0) } ?? false
        }
        guard let value = event.value(at: field) else {
            if case .exists(false) = test { return true }
            return false
        }
        return test.holds(value)
    }
}

extension Comparison.Test {
    func holds(_ field: FieldValue) -> Bool {
        switch self {
        case .equal(let operand): return operand.relation(of: field) == .equal
        case .unequal(let operand): return operand.relation(of: field).map { $0 != .equal } ?? false
        case .less(let operand): return operand.relation(of: field) == .less
        case .greater(let operand): return operand.relation(of: field) == .greater
        case .lessOrEqual(let operand): return Self.isAtMost(operand.relation(of: field))
        case .greaterOrEqual(let operand): return Self.isAtLeast(operand.relation(of: field))
        case .member(let set): return set.contains(field) ?? false
        case .noMember(let set): return set.contains(field).map { !$0 } ?? false
        case .between(let low, let high):
            return Self.isAtLeast(low.relation(of: field)) && Self.isAtMost(high.relation(of: field))
        case .contains(let operand, let search):
            if case .json(let value) = field, value.kind == .array {
                return value.elements.contains { operand.relation(of: $0) == .equal }
            }
            guard let search else { return false }
            return field.withText { search.end(in: $0) != nil } ?? false
        case .prefix(let bytes): return field.withText { $0.starts(with: bytes) } ?? false
        case .suffix(let bytes):
            return field.withText { $0.count >= bytes.count && $0.suffix(bytes.count).elementsEqual(bytes) } ?? false
        case .matches(let regex): return field.withText { regex.matches($0) } ?? false
        case .exists(let isThere): return isThere
        case .kind(let kind): return field.isKind(kind)
        case .address(let block): return field.withText { block.contains($0) } ?? false
        // Asked with the vector of the field, by ``Comparison/evaluate(_:_:)``.
        case .similar: return false
        }
    }

    private static func isAtMost(_ relation: Relation?) -> Bool { relation == .less || relation == .equal }

    private static func isAtLeast(_ relation: Relation?) -> Bool { relation == .greater || relation == .equal }
}

extension FieldValue {
    /// Lends the bytes of a string, or of a time in RFC 3339; nil for any other type.
    fileprivate func withText<R>(_ body: (UnsafeBufferPointer<UInt8>) -> R) -> R? {
        switch self {
        case .text(var text): return text.withUTF8(body)
        case .time(let time):
            var text = time.rfc3339
            return text.withUTF8(body)
        case .json(let value): return value.withUTF8(body)
        }
    }

    /// Whether the value is of a kind; an integer is a number too.
    fileprivate func isKind(_ kind: JSONValue.Kind) -> Bool {
        switch self {
        case .text, .time: kind == .string
        case .json(let value): value.kind == kind || (kind == .number && value.kind == .integer)
        }
    }
}
