/// A number of JSON, exact where it is an integer of 64 bits.
///
/// Comparing never rounds: 9007199254740993 is more than 9007199254740992.0, although as doubles they are one. NaN,
/// which JSON can't write, equals nothing and is less than nothing.
public enum JSONNumber: Sendable {
    /// An integer that an `Int64` holds.
    case int(Int64)
    /// An integer above `Int64.max`; smaller ones compare as they should too.
    case uint(UInt64)
    /// Any other number.
    case double(Double)

    /// The nearest double.
    public var double: Double {
        switch self {
        case .int(let value): Double(value)
        case .uint(let value): Double(value)
        case .double(let value): value
        }
    }
}

extension JSONNumber: Comparable {
    /// Whether two numbers have exactly the same value.
    public static func == (left: JSONNumber, right: JSONNumber) -> Bool {
        switch (left, right) {
        case (.int(let left), .int(let right)): left == right
        case (.uint(let left), .uint(let right)): left == right
        case (.double(let left), .double(let right)): left == right
        case (.int(let left), .uint(let right)): left == right
        case (.uint(let left), .int(let right)): left == right
        case (.int(let left), .double(let right)): Int64(exactly: right) == left
        case (.double(let left), .int(let right)): Int64(exactly: left) == right
        case (.uint(let left), .double(let right)): UInt64(exactly: right) == left
        case (.double(let left), .uint(let right)): UInt64(exactly: left) == right
        }
    }

    /// Whether the left number is exactly less than the right.
    public static func < (left: JSONNumber, right: JSONNumber) -> Bool {
        switch (left, right) {
        case (.int(let left), .int(let right)): left < right
        case (.uint(let left), .uint(let right)): left < right
        case (.double(let left), .double(let right)): left < right
        case (.int(let left), .uint(let right)): left < right
        case (.uint(let left), .int(let right)): left < right
        case (.int(let left), .double(let right)): isLess(left, than: right)
        case (.double(let left), .int(let right)): isLess(left, than: right)
        case (.uint(let left), .double(let right)): isLess(left, than: right)
        case (.double(let left), .uint(let right)): isLess(left, than: right)
        }
    }

    /// An integer is less than a double when it is less than the double rounded up, which is exact or out of range.
    private static func isLess<I: FixedWidthInteger>(_ integer: I, than double: Double) -> Bool {
        guard !double.isNaN else { return false }
        guard let ceiling = I(exactly: double.rounded(.up)) else { return double > 0 }
        return integer < ceiling
    }

    /// A double is less than an integer when the double rounded down is.
    private static func isLess<I: FixedWidthInteger>(_ double: Double, than integer: I) -> Bool {
        guard !double.isNaN else { return false }
        guard let floor = I(exactly: double.rounded(.down)) else { return double < 0 }
        return floor < integer
    }
}

extension JSONNumber: Hashable {
    /// Equal numbers hash alike, however they are held.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .int(let value):
            hasher.combine(value)
        case .uint(let value):
            if let value = Int64(exactly: value) { hasher.combine(value) } else { hasher.combine(value) }
        case .double(let value):
            if let value = Int64(exactly: value) {
                hasher.combine(value)
            } else if let value = UInt64(exactly: value) {
                hasher.combine(value)
            } else {
                hasher.combine(value)
            }
        }
    }
}
