import EventModel
import JSONTree

/// The comparisons of all conditions: equal ones are one, and the dear ones are made at most once an event.
struct ComparisonTable: Sendable {
    /// Most values of `in` by which an index finds it.
    static let maximumKeys = 64

    private(set) var checks: [Check] = []
    /// The epoch in which a comparison was last made, and in the lowest bit what came of it.
    private var results: [UInt32] = []
    private(set) var comparisons: [Comparison?] = []
    /// The numbers of the values of `in`, and of `contains`.
    private var keys: [BlockPool<Int32>.Block] = []
    private var keyPool = BlockPool<Int32>()
    private var names = TextTable()
    private(set) var texts = TextTable()

    var isBare: Bool { names.count == 0 && texts.count == 0 }

    /// The number of a comparison, held once more.
    mutating func intern(_ comparison: Comparison, _ fields: inout FieldTable, _ values: inout ValueTable) -> Int32 {
        let field = fields.intern(comparison.field)
        let known = names.count
        let id = names.intern(ComparisonName(field: field, comparison.test).bytes)
        guard names.count > known else {
            fields.release(field)
            return id
        }
        if Int(id) == checks.count {
            checks.append(Check())
            results.append(0)
            comparisons.append(nil)
            keys.append(BlockPool<Int32>.Block())
        }
        var check = Check(field: field)
        compile(comparison.test, id, &check, fields, &values)
        if check.access == .presence, fields.isAlwaysThere(field) { check.access = .none }
        checks[Int(id)] = check
        results[Int(id)] = 0
        comparisons[Int(id)] = comparison
        return id
    }

    /// Lets go of a comparison once.
    mutating func release(_ id: Int32, _ fields: inout FieldTable, _ values: inout ValueTable) {
        guard names.release(id) else { return }
        let check = checks[Int(id)]
        switch check.kind {
        case .equal, .unequal: values.release(Int32(check.first))
        case .prefix, .suffix: texts.release(Int32(check.first))
        default: break
        }
        for value in keyPool.array(keys[Int(id)]) { values.release(value) }
        keyPool.release(&keys[Int(id)])
        comparisons[Int(id)] = nil
        fields.release(check.field)
    }

    /// The numbers of the values by which a comparison is found: of which it is true, or one of which is an element.
    func keys(of id: Int32) -> [Int32] {
        checks[Int(id)].kind == .equal ? [Int32(checks[Int(id)].first)] : keyPool.array(keys[Int(id)])
    }

    /// What came of a comparison in this epoch; nil when it hasn't been made.
    func result(_ id: Int32, epoch: UInt32) -> Bool? {
        let known = results[Int(id)]
        return known >> 1 == epoch ? known & 1 == 1 : nil
    }

    mutating func setResult(_ id: Int32, _ holds: Bool, epoch: UInt32) {
        results[Int(id)] = epoch << 1 | (holds ? 1 : 0)
    }

    /// Forgets all results, for a new count of epochs.
    mutating func forgetResults() {
        for index in results.indices { results[index] = 0 }
    }

    private mutating func compile(
        _ test: Comparison.Test, _ id: Int32, _ check: inout Check, _ fields: FieldTable, _ values: inout ValueTable
    ) {
        let isTime = fields.isTime(check.field)
        check.access = PlaceInterval(test, isTime: isTime) == nil ? .presence : .interval
        switch test {
        case .equal(let operand):
            guard let value = values.intern(operand, isTime: isTime) else { return }
            check.kind = .equal
            check.first = UInt64(value)
            check.access = .equality
        case .unequal(let operand):
            guard let value = values.intern(operand, isTime: isTime) else { return }
            check.kind = .unequal
            check.first = UInt64(value)
            check.firstKind = ValueKind(operand, isTime: isTime)
        case .less(let bound): compile(.less, bound, nil, &check, isTime)
        case .lessOrEqual(let bound): compile(.lessOrEqual, bound, nil, &check, isTime)
        case .greater(let bound): compile(.greater, bound, nil, &check, isTime)
        case .greaterOrEqual(let bound): compile(.greaterOrEqual, bound, nil, &check, isTime)
        case .between(let low, let high): compile(.between, low, high, &check, isTime)
        case .member(let set):
            guard (1...Self.maximumKeys).contains(set.operands.count), let found = Self.intern(set, isTime, &values)
            else { return }
            check.access = .equality
            keys[Int(id)] = keyPool.make(found)
        case .prefix(let bytes) where !isTime:
            check.kind = .prefix
            check.first = UInt64(texts.intern(bytes))
            if !bytes.isEmpty { check.access = .prefix }
        case .suffix(let bytes) where !isTime:
            check.kind = .suffix
            check.first = UInt64(texts.intern(bytes))
            if !bytes.isEmpty { check.access = .suffix }
        case .contains(let operand, let search):
            guard !isTime, search?.needle.isEmpty != true, let value = values.intern(operand, isTime: false) else {
                return
            }
            check.access = .part
            keys[Int(id)] = keyPool.make(CollectionOfOne(value))
        case .matches(let regex):
            if !isTime, !regex.required.isEmpty { check.access = .part }
        case .address:
            if !isTime { check.access = .address }
        case .exists(let isThere):
            check.kind = isThere ? .present : .absent
            if !isThere { check.access = .none }
        case .noMember, .kind, .prefix, .suffix, .similar: break
        }
    }

    private func compile(
        _ kind: Check.Kind, _ first: Operand, _ second: Operand?, _ check: inout Check, _ isTime: Bool
    ) {
        guard let low = first.ordered(isTime: isTime), let high = (second ?? first).ordered(isTime: isTime) else {
            return
        }
        check.kind = kind
        (check.firstKind, check.first) = low
        (check.secondKind, check.second) = high
    }

    /// The numbers of all values, each once; nil when one of them has none.
    private static func intern(_ set: OperandSet, _ isTime: Bool, _ values: inout ValueTable) -> [Int32]? {
        var found: [Int32] = []
        for operand in set.operands {
            guard let value = values.intern(operand, isTime: isTime) else {
                for value in found { values.release(value) }
                return nil
            }
            if found.contains(value) { values.release(value) } else { found.append(value) }
        }
        return found
    }
}

extension Operand {
    /// A number or a moment as it is held; nil for anything else.
    fileprivate func ordered(isTime: Bool) -> (kind: ValueKind, bits: UInt64)? {
        switch self {
        case .number(let number): number.held
        case .text(_, let time?) where isTime: (.time, UInt64(bitPattern: time.microseconds))
        case .null, .boolean, .text, .container: nil
        }
    }
}

extension ValueKind {
    /// The class of an operand: of numbers any of their kinds, of booleans `yes`.
    fileprivate init(_ operand: Operand, isTime: Bool) {
        switch operand {
        case .null: self = .null
        case .boolean: self = .yes
        case .number: self = .signed
        case .text: self = isTime ? .time : .text
        case .container: self = .object
        }
    }

    /// Whether a value of this kind can be compared with an operand of a class.
    func isComparable(with other: ValueKind) -> Bool {
        switch other {
        case .signed: isNumber
        case .yes: self == .yes || self == .no
        default: self == other
        }
    }
}
