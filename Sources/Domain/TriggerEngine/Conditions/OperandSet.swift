import EventModel
import JSONTree

/// The values of `in` and `not_in`: numbers hashed, strings sorted, the few others in a list.
struct OperandSet: Sendable {
    static let maximumCount = 1_000

    private var numbers: Set<JSONNumber> = []
    private var texts: [[UInt8]] = []
    private var times: Set<Timestamp> = []
    private var others: [Operand] = []
    /// The values as they were given.
    let operands: [Operand]
    private var isEmpty: Bool { operands.isEmpty }

    init(_ operands: [Operand]) {
        self.operands = operands
        for operand in operands {
            switch operand {
            case .number(let number): numbers.insert(number)
            case .text(let bytes, let time):
                texts.append(bytes)
                if let time { times.insert(time) }
            case .null, .boolean, .container: others.append(operand)
            }
        }
        texts.sort { $0.lexicographicallyPrecedes($1) }
    }

    /// Whether a field is one of the values; nil when none of them is of its type. An empty set has no other type.
    func contains(_ field: FieldValue) -> Bool? {
        if isEmpty { return false }
        switch field {
        case .text(var text):
            return texts.isEmpty ? nil : text.withUTF8 { hasText($0) }
        case .time(let time):
            return times.isEmpty ? nil : times.contains(time)
        case .json(let value):
            if let number = value.number { return numbers.isEmpty ? nil : numbers.contains(number) }
            if value.kind == .string { return texts.isEmpty ? nil : value.withUTF8 { hasText($0) } }
            let relations = others.lazy.compactMap { $0.relation(of: value) }
            return relations.isEmpty ? nil : relations.contains(.equal)
        }
    }

    private func hasText(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        var low = 0
        var high = texts.count
        while low < high {
            let middle = (low + high) / 2
            switch Operand.order(text, texts[middle]) {
            case .equal: return true
            case .less: high = middle
            case .greater, .different: low = middle + 1
            }
        }
        return false
    }
}
