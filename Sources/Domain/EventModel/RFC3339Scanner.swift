/// Reads a date-time from left to right, giving up at the first byte that doesn't fit.
struct RFC3339Scanner {
    private let utf8: UnsafeBufferPointer<UInt8>
    private var offset = 0

    init(_ utf8: UnsafeBufferPointer<UInt8>) {
        self.utf8 = utf8
    }

    /// Microseconds since 1970, of a year in local time from 0001 to 9999.
    mutating func scan() -> Int64? {
        guard let days = scanDate(), accept("T", or: "t"), let (second, isLeapSecond) = scanTime(),
            let fraction = scanFraction(), let shift = scanOffset(), offset == utf8.count
        else { return nil }
        let seconds = days * Timestamp.secondsPerDay + second - shift
        if isLeapSecond {
            guard seconds % Timestamp.secondsPerDay == 0 else { return nil }
        }
        return seconds * Timestamp.microsecondsPerSecond + fraction
    }

    private mutating func scanDate() -> Int64? {
        guard let year = digits(4, in: 1...9999), accept("-"), let month = digits(2, in: 1...12), accept("-"),
            let day = digits(2, in: 1...CivilDate.daysInMonth(month, of: year))
        else { return nil }
        return CivilDate(year: year, month: month, day: day).daysSince1970
    }

    /// Seconds since midnight.
    private mutating func scanTime() -> (second: Int64, isLeapSecond: Bool)? {
        guard let hour = digits(2, in: 0...23), accept(":"), let minute = digits(2, in: 0...59), accept(":"),
            let second = digits(2, in: 0...60)
        else { return nil }
        return (hour * 3600 + minute * 60 + second, second == 60)
    }

    /// Microseconds; 0 without a fraction.
    private mutating func scanFraction() -> Int64? {
        guard accept(".") else { return 0 }
        var microseconds: Int64 = 0
        var count = 0
        while let digit = digit() {
            count += 1
            if count <= 6 { microseconds = microseconds * 10 + digit }
        }
        guard (1...9).contains(count) else { return nil }
        for _ in 0..<max(0, 6 - count) { microseconds *= 10 }
        return microseconds
    }

    /// Seconds by which the local time is ahead of UTC.
    private mutating func scanOffset() -> Int64? {
        if accept("Z", or: "z") { return 0 }
        let sign: Int64
        if accept("+") {
            sign = 1
        } else if accept("-") {
            sign = -1
        } else {
            return nil
        }
        guard let hours = digits(2, in: 0...23), accept(":"), let minutes = digits(2, in: 0...59) else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }

    private mutating func digits(_ count: Int, in range: ClosedRange<Int64>) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<count {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return range.contains(value) ? value : nil
    }

    private mutating func digit() -> Int64? {
        guard offset < utf8.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(utf8[offset]) else { return nil }
        defer { offset += 1 }
        return Int64(utf8[offset] - UInt8(ascii: "0"))
    }

    private mutating func accept(_ scalar: Unicode.Scalar, or other: Unicode.Scalar? = nil) -> Bool {
        guard offset < utf8.count else { return false }
        let current = Unicode.Scalar(utf8[offset])
        guard current == scalar || current == other else { return false }
        offset += 1
        return true
    }
}
