extension Timestamp {
    static let microsecondsPerSecond: Int64 = 1_000_000
    static let secondsPerDay: Int64 = 86_400

    /// The first and the last moment that RFC 3339 can write: the years 0001 to 9999.
    static let writable: ClosedRange<Timestamp> =
        Timestamp(microseconds: -62_135_596_800_000_000)...Timestamp(microseconds: 253_402_300_799_999_999)

    /// Parses `2026-03-01T09:30:00.25+01:00` (RFC 3339 §5.6); nil for anything else.
    ///
    /// Up to nine digits of a fraction are taken and cut to microseconds. A leap second is taken where one can be, at
    /// 23:59:60 UTC, and is the first second of the next day, as in PostgreSQL. Years are 0001 to 9999, in UTC too.
    public init?(rfc3339 text: String) {
        var text = text
        let parsed: Int64? = text.withUTF8 { utf8 in
            var scanner = RFC3339Scanner(utf8)
            return scanner.scan()
        }
        guard let parsed else { return nil }
        self.init(microseconds: parsed)
        guard Self.writable.contains(self) else { return nil }
    }

    /// The moment in UTC, with as many digits as it needs of 0, 3 and 6: `2026-03-01T08:30:00.250Z`.
    ///
    /// A moment outside the years 0001 to 9999 is written as the nearest one inside.
    public var rfc3339: String {
        let moment = min(max(self, Self.writable.lowerBound), Self.writable.upperBound).microseconds
        let (seconds, fraction) = moment.flooredQuotientAndRemainder(dividingBy: Self.microsecondsPerSecond)
        let (days, second) = seconds.flooredQuotientAndRemainder(dividingBy: Self.secondsPerDay)
        let date = CivilDate(daysSince1970: days)
        return String(unsafeUninitializedCapacity: 27) { buffer in
            var digits = DigitWriter(buffer: buffer)
            digits.write(date.year, digits: 4, followedBy: "-")
            digits.write(date.month, digits: 2, followedBy: "-")
            digits.write(date.day, digits: 2, followedBy: "T")
            digits.write(second / 3600, digits: 2, followedBy: ":")
            digits.write(second / 60 % 60, digits: 2, followedBy: ":")
            digits.write(second % 60, digits: 2, followedBy: fraction == 0 ? "Z" : ".")
            if fraction % 1000 != 0 {
                digits.write(fraction, digits: 6, followedBy: "Z")
            } else if fraction != 0 {
                digits.write(fraction / 1000, digits: 3, followedBy: "Z")
            }
            return digits.count
        }
    }
}

extension Int64 {
    /// Division that rounds down, so that the remainder is never negative: moments before 1970 need it.
    func flooredQuotientAndRemainder(dividingBy divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

private struct DigitWriter {
    let buffer: UnsafeMutableBufferPointer<UInt8>
    private(set) var count = 0

    init(buffer: UnsafeMutableBufferPointer<UInt8>) {
        self.buffer = buffer
    }

    mutating func write(_ value: Int64, digits: Int, followedBy separator: Unicode.Scalar) {
        var rest = value
        for position in stride(from: count + digits - 1, through: count, by: -1) {
            buffer[position] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
        buffer[count + digits] = UInt8(ascii: separator)
        count += digits + 1
    }
}
