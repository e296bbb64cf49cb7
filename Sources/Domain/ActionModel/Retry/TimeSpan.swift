/// A span of time as definitions write it: a number and a unit, `500ms` `30s` `5m` `1h` `7d`.
public struct TimeSpan: Hashable, Sendable {
    /// How long, in microseconds; never negative.
    public let microseconds: Int64

    /// The units, the largest first.
    private static let units: [(suffix: String, microseconds: Int64)] = [
        ("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000),
    ]

    /// Makes a span of whole seconds.
    public init(seconds: Int64) {
        microseconds = seconds * 1_000_000
    }

    /// Parses the form above; nil for anything else and for more than 3,650 days.
    public init?(_ text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let suffix = text.dropFirst(digits.count)
        guard let unit = Self.units.first(where: { $0.suffix == suffix }), let count = Int64(digits) else { return nil }
        let (product, isOverflow) = count.multipliedReportingOverflow(by: unit.microseconds)
        guard !isOverflow, product <= 3_650 * 86_400_000_000 else { return nil }
        microseconds = product
    }
}

extension TimeSpan: Comparable {
    /// Whether the left span is shorter.
    public static func < (left: TimeSpan, right: TimeSpan) -> Bool { left.microseconds < right.microseconds }
}

extension TimeSpan: CustomStringConvertible {
    /// The span in the largest unit that divides it, which parses to the same span.
    public var description: String {
        let unit = Self.units.first { microseconds >= $0.microseconds && microseconds.isMultiple(of: $0.microseconds) }
        guard let unit else { return "0s" }
        return "\(microseconds / unit.microseconds)\(unit.suffix)"
    }
}
