import EventModel
import JSONTree

/// A comparison, or its opposite, as one number.
struct Literal: BitwiseCopyable, Hashable, Sendable {
    let number: Int32

    init(number: Int32) { self.number = number }

    init(_ comparison: Int32, isNegated: Bool) { number = comparison << 1 | (isNegated ? 1 : 0) }

    /// Of the ``ComparisonTable``.
    var comparison: Int32 { number >> 1 }
    /// Whether the comparison must be false.
    var isNegated: Bool { number & 1 == 1 }
}

/// What conditions are made of, and what is known of it in the event being matched.
struct Vocabulary: Sendable {
    private(set) var fields = FieldTable()
    private(set) var values = ValueTable()
    private(set) var comparisons = ComparisonTable()
    /// Of the event being matched, and of those that are to be matched once more.
    var vectors = EventVectors()
    /// Counts events, so that what was found out about the last one is forgotten without being touched.
    private(set) var epoch: UInt32 = 0

    /// Begins another event; true when the count has begun anew, and all marks of epochs must be cleared.
    mutating func begin() -> Bool {
        epoch += 1
        guard epoch > UInt32.max >> 1 else { return false }
        epoch = 1
        fields.forgetSlots()
        comparisons.forgetResults()
        return true
    }

    var isBare: Bool { fields.isBare && values.isBare && comparisons.isBare }

    mutating func intern(_ comparison: Comparison) -> Int32 { comparisons.intern(comparison, &fields, &values) }

    mutating func release(_ comparison: Int32) { comparisons.release(comparison, &fields, &values) }

    /// What a literal is found by.
    func access(_ literal: Literal) -> Check.Access {
        let check = comparisons.checks[Int(literal.comparison)]
        guard literal.isNegated else { return check.access }
        return check.kind == .absent && !fields.isAlwaysThere(check.field) ? .presence : .none
    }

    /// What a field holds in this event.
    @inline(__always)
    mutating func slot(_ field: Int32, _ view: EventView) -> FieldTable.Slot {
        fields.read(field, view, epoch: epoch)
        return fields.slots[Int(field)]
    }

    /// The number of what a field holds in this event; -1 when nothing is compared with it.
    @inline(__always)
    mutating func value(of field: Int32, _ view: EventView) -> Int32 {
        fields.read(field, view, epoch: epoch)
        let known = fields.slots[Int(field)].value
        if known > -2 { return known }
        let found = values.find(fields.slots[Int(field)])
        fields.setValue(found, of: field)
        return found
    }

    /// The number of the value at a place of the data; -1 when nothing is compared with it.
    func value(at place: UInt32, _ view: EventView) -> Int32 {
        var slot = FieldTable.Slot()
        slot.set(place, in: view.nodes)
        return values.find(slot)
    }

    /// Whether a literal is true of the event.
    @inline(__always)
    mutating func holds(_ literal: Literal, _ view: EventView, _ event: ParsedEvent) -> Bool {
        holds(literal.comparison, view, event) != literal.isNegated
    }

    /// Whether a comparison is true of the event.
    @inline(__always)
    mutating func holds(_ comparison: Int32, _ view: EventView, _ event: ParsedEvent) -> Bool {
        let check = comparisons.checks[Int(comparison)]
        guard check.kind != .equal else {
            return value(of: check.field, view) == Int32(truncatingIfNeeded: check.first)
        }
        return holds(comparison, check, view, event)
    }

    private mutating func holds(_ comparison: Int32, _ check: Check, _ view: EventView, _ event: ParsedEvent) -> Bool {
        let slot = slot(check.field, view)
        switch check.kind {
        case .equal: return value(of: check.field, view) == Int32(truncatingIfNeeded: check.first)
        case .unequal:
            return slot.kind.isComparable(with: check.firstKind)
                && value(of: check.field, view) != Int32(truncatingIfNeeded: check.first)
        case .less, .lessOrEqual, .greater, .greaterOrEqual, .between: return check.holds(slot)
        case .present: return slot.kind != .missing
        case .absent: return slot.kind == .missing
        case .prefix:
            return slot.kind == .text && comparisons.isStart(Int32(truncatingIfNeeded: check.first), of: slot.text)
        case .suffix:
            return slot.kind == .text && comparisons.isEnd(Int32(truncatingIfNeeded: check.first), of: slot.text)
        case .other:
            guard slot.kind != .missing else { return false }
            if let known = comparisons.result(comparison, epoch: epoch) { return known }
            let holds = ask(comparison, slot, event)
            comparisons.setResult(comparison, holds, epoch: epoch)
            return holds
        }
    }

    /// Appends the numbers of the fields that an event has.
    func presentFields(_ view: EventView, into found: inout [Int32]) { fields.present(in: view, into: &found) }

    private mutating func ask(_ comparison: Int32, _ slot: FieldTable.Slot, _ event: ParsedEvent) -> Bool {
        guard let asked = comparisons.comparisons[Int(comparison)] else { return false }
        if case .matches(let regex) = asked.test, slot.kind == .text { return regex.matches(slot.text) }
        if case .similar = asked.test { return asked.evaluate(event, &vectors) }
        guard case .data = asked.field.root else { return asked.evaluate(event, &vectors) }
        return asked.test.holds(.json(event.data.value(at: slot.place)))
    }
}

extension ComparisonTable {
    fileprivate func isStart(_ own: Int32, of text: UnsafeBufferPointer<UInt8>) -> Bool {
        texts.withBytes(own) { own in
            guard own.count <= text.count else { return false }
            guard let left = own.baseAddress, let right = text.baseAddress else { return true }
            return ByteString.isEqual(left, right, count: own.count)
        }
    }

    fileprivate func isEnd(_ own: Int32, of text: UnsafeBufferPointer<UInt8>) -> Bool {
        texts.withBytes(own) { own in
            guard own.count <= text.count else { return false }
            guard let left = own.baseAddress, let right = text.baseAddress else { return true }
            return ByteString.isEqual(left, right + (text.count - own.count), count: own.count)
        }
    }
}
