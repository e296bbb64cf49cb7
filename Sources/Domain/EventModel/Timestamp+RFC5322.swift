extension Timestamp {
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The moment in UTC as a mail's `Date` (RFC 5322 §3.3): `Sun, 1 Mar 2026 08:30:00 +0000`.
    public var rfc5322: String {
        let moment = min(max(self, Self.writable.lowerBound), Self.writable.upperBound).microseconds
        let seconds = moment.flooredQuotientAndRemainder(dividingBy: Self.microsecondsPerSecond).quotient
        let (days, second) = seconds.flooredQuotientAndRemainder(dividingBy: Self.secondsPerDay)
        let date = CivilDate(daysSince1970: days)
        // 1970 began on a Thursday.
        let weekday = Self.weekdays[Int(days.flooredQuotientAndRemainder(dividingBy: 7).remainder)]
        let clock = [second / 3600, second / 60 % 60, second % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
        let year = String(repeating: "0", count: 4 - String(date.year).count) + String(date.year)
        return
            "\(weekday), \(date.day) \(Self.months[Int(date.month) - 1]) \(year) \(clock.joined(separator: ":")) +0000"
    }
}
