import EventModel
import JSONTree

/// A comparison in the form in which it is made: a few numbers, and nothing that counts references.
struct Check: BitwiseCopyable, Sendable {
    enum Kind: UInt8, Sendable {
        /// The field's value has this number.
        case equal
        /// The field's value is of this class and has another number.
        case unequal
        case less, lessOrEqual, greater, greaterOrEqual
        /// From `first` to `second`.
        case between
        case prefix, suffix
        case present, absent
        /// The comparison is asked itself, once an event.
        case other
    }

    /// What an index can find the comparison by, in an event of which it is true.
    enum Access: UInt8, Sendable, CaseIterable {
        /// Nothing.
        case none
        /// That the field is there.
        case presence
        /// An interval of numbers, moments or texts.
        case interval
        /// A few bytes that a text holds, or an element of an array.
        case part
        case address, suffix, prefix
        /// The value, or one of a few.
        case equality

        /// Whether it tells most events apart.
        var isStrong: Bool { rawValue >= Access.part.rawValue }
    }

    var field: Int32 = -1
    var kind: Kind = .other
    var access: Access = .none
    /// How `first` and `second` are held; of `unequal` the class of the value.
    var firstKind: ValueKind = .missing
    var secondKind: ValueKind = .missing
    /// A value's number, a number as it is held, or the number of a text.
    var first: UInt64 = 0
    var second: UInt64 = 0
}

extension Check {
    /// Whether a number or a moment lies as the check asks.
    func holds(_ slot: FieldTable.Slot) -> Bool {
        guard kind == .between else { return Check.holds(slot, kind, firstKind, first) }
        return Check.holds(slot, .greaterOrEqual, firstKind, first)
            && Check.holds(slot, .lessOrEqual, secondKind, second)
    }

    /// Whether a number or a moment stands to an operand as asked.
    @inline(__always)
    static func holds(_ slot: FieldTable.Slot, _ relation: Kind, _ operandKind: ValueKind, _ operand: UInt64) -> Bool {
        guard slot.kind.isNumber ? operandKind.isNumber : slot.kind == operandKind else { return false }
        let order = Check.order(slot.kind, slot.bits, operandKind, operand)
        switch relation {
        case .less: return order < 0
        case .lessOrEqual: return order <= 0
        case .greater: return order > 0
        default: return order >= 0
        }
    }

    /// Below, at or above 0, exactly.
    private static func order(
        _ leftKind: ValueKind, _ left: UInt64, _ rightKind: ValueKind, _ right: UInt64
    ) -> Int {
        if leftKind == .double, rightKind == .double {
            let (left, right) = (Double(bitPattern: left), Double(bitPattern: right))
            return left < right ? -1 : left == right ? 0 : 1
        }
        if leftKind == rightKind, leftKind != .unsigned {
            let (left, right) = (Int64(bitPattern: left), Int64(bitPattern: right))
            return left < right ? -1 : left == right ? 0 : 1
        }
        let (left, right) = (JSONNumber(leftKind, left), JSONNumber(rightKind, right))
        return left < right ? -1 : left == right ? 0 : 1
    }
}

/// Where values lie on one line of 64 bits: a value that is less has no greater place.
///
/// Different values can share a place, so what lies at the very end of an interval has to be compared.
enum Place {
    static func of(_ number: JSONNumber) -> UInt64 {
        let double = number.double
        // Both zeros are one number.
        let bits = double == 0 ? 0 : double.bitPattern
        return bits >> 63 == 0 ? bits | 1 << 63 : ~bits
    }

    static func of(_ time: Timestamp) -> UInt64 { UInt64(bitPattern: time.microseconds) ^ 1 << 63 }

    /// The first eight bytes.
    static func of(_ text: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var place: UInt64 = 0
        for index in 0..<8 { place = place << 8 | (index < text.count ? UInt64(text[index]) : 0) }
        return place
    }

    /// Of what a field holds; nil for what has no order.
    static func of(_ slot: FieldTable.Slot) -> UInt64? {
        switch slot.kind {
        case .signed, .unsigned, .double: of(JSONNumber(slot.kind, slot.bits))
        case .time: slot.bits ^ 1 << 63
        case .text: of(slot.text)
        default: nil
        }
    }
}

/// Places from one to another, both included, of values of one class.
struct PlaceInterval: Sendable {
    enum Class: UInt8, Sendable {
        case number, text, time

        init?(_ kind: ValueKind) {
            switch kind {
            case .signed, .unsigned, .double: self = .number
            case .text: self = .text
            case .time: self = .time
            default: return nil
            }
        }
    }

    let of: Class
    var low: UInt64 = 0
    var high: UInt64 = .max

    /// The places that a comparison leaves to a field; nil when it isn't one of order.
    init?(_ test: Comparison.Test, isTime: Bool) {
        switch test {
        case .less(let bound), .lessOrEqual(let bound):
            guard let place = Self.place(bound, isTime) else { return nil }
            of = place.of
            high = place.place
        case .greater(let bound), .greaterOrEqual(let bound):
            guard let place = Self.place(bound, isTime) else { return nil }
            of = place.of
            low = place.place
        case .between(let low, let high):
            guard let first = Self.place(low, isTime), let second = Self.place(high, isTime), first.of == second.of
            else { return nil }
            of = first.of
            self.low = first.place
            self.high = second.place
        default: return nil
        }
    }

    private static func place(_ bound: Operand, _ isTime: Bool) -> (of: Class, place: UInt64)? {
        switch bound {
        case .number(let number): return (.number, Place.of(number))
        case .text(let bytes, let time):
            guard isTime else { return (.text, bytes.withUnsafeBufferPointer { Place.of($0) }) }
            return time.map { (.time, Place.of($0)) }
        case .null, .boolean, .container: return nil
        }
    }
}
