import JSONTree

/// A comparison as bytes, the same for comparisons that mean the same.
struct ComparisonName {
    private(set) var bytes: [UInt8] = []

    init(field: Int32, _ test: Comparison.Test) {
        bytes.reserveCapacity(32)
        append(UInt64(UInt32(field)))
        append(test)
    }

    private mutating func append(_ test: Comparison.Test) {
        switch test {
        case .equal(let operand): append(1, operand)
        case .unequal(let operand): append(2, operand)
        case .less(let operand): append(3, operand)
        case .lessOrEqual(let operand): append(4, operand)
        case .greater(let operand): append(5, operand)
        case .greaterOrEqual(let operand): append(6, operand)
        case .member(let set): append(7, set)
        case .noMember(let set): append(8, set)
        case .between(let low, let high):
            append(9, low)
            append(operand: high)
        case .contains(let operand, _): append(10, operand)
        case .prefix(let text): append(11, text)
        case .suffix(let text): append(12, text)
        case .matches(let regex): append(13, Array(regex.text.utf8))
        case .exists(let isThere): bytes += [14, isThere ? 1 : 0]
        case .kind(let kind): append(15, Array(kind.rawValue.utf8))
        case .address(let block):
            bytes += [16, UInt8(block.prefixLength), block.address.isVersion4 ? 1 : 0]
            append(UInt64(truncatingIfNeeded: block.address.bits))
            append(UInt64(truncatingIfNeeded: block.address.bits >> 64))
        case .similar(let similarity):
            append(17, similarity.source)
            append(similarity.threshold.bitPattern)
            bytes.append(similarity.scope == .event ? 1 : 0)
        }
    }

    private mutating func append(_ mark: UInt8, _ operand: Operand) {
        bytes.append(mark)
        append(operand: operand)
    }

    private mutating func append(_ mark: UInt8, _ set: OperandSet) {
        bytes.append(mark)
        for operand in set.operands { append(operand: operand) }
    }

    private mutating func append(_ mark: UInt8, _ text: [UInt8]) {
        bytes.append(mark)
        append(UInt64(text.count))
        bytes += text
    }

    /// Numbers that are equal are written alike; arrays and objects as they were.
    private mutating func append(operand: Operand) {
        switch operand {
        case .null: bytes.append(20)
        case .boolean(let value): bytes.append(value ? 22 : 21)
        case .number(let number):
            let key = ScalarKey(number.held.kind, bits: number.held.bits)
            bytes += [23, key.kind]
            append(key.bits)
        case .text(let text, _): append(24, text)
        case .container(let value): append(25, Array(value.source))
        }
    }

    private mutating func append(_ number: UInt64) {
        withUnsafeBytes(of: number) { bytes.append(contentsOf: $0) }
    }
}
