/// A moment, in microseconds since 1970 UTC: what PostgreSQL keeps, without rounding, in one integer.
public struct Timestamp: Hashable, Sendable {
    /// Microseconds since 1970-01-01T00:00:00Z, without leap seconds.
    public let microseconds: Int64

    /// Makes a moment of microseconds since 1970.
    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// Makes a moment of milliseconds since 1970; what lies beyond 290,000 years is brought back to the end.
    public init(milliseconds: Int64) {
        let (product, isOverflow) = milliseconds.multipliedReportingOverflow(by: 1000)
        self.init(microseconds: isOverflow ? (milliseconds < 0 ? .min : .max) : product)
    }
}

extension Timestamp: Comparable {
    /// Whether the left moment is earlier.
    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }
}

extension Timestamp: CustomStringConvertible {
    /// The moment as ``rfc3339``.
    public var description: String { rfc3339 }
}
