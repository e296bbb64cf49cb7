public import ActionModel
public import EventModel

/// The time that statistics cover, brought to whole buckets, and which counts hold it: those of hours wherever they
/// can, those of minutes for the rest.
///
/// `from` is rounded down and `to` up. Buckets are aligned to Monday, 2001-01-01T00:00:00Z, so that days begin at
/// midnight UTC and weeks on Monday.
public struct StatsWindow: Sendable, Equatable {
    /// Most buckets of a window.
    public static let maximumBuckets: Int64 = 10_000
    /// How many whole days before today are counted by the minute.
    public static let minuteDays: Int64 = 2

    /// The first moment that is covered.
    public let from: Timestamp
    /// The first moment that is covered no more.
    public let to: Timestamp
    /// Length of a bucket; nil for one that is as long as the window.
    public let interval: TimeSpan?

    /// Which hours are asked for; may be empty.
    let hours: Range<Timestamp>
    /// Which minutes are asked for, before and after the hours; either may be empty.
    let minutes: (before: Range<Timestamp>, after: Range<Timestamp>)

    /// What is wrong with a window, and with which of its three parts.
    public struct Problem: Error, Sendable, Equatable {
        /// `from`, `to` or `interval`.
        public let parameter: String
        /// A sentence that says how to ask instead.
        public let detail: String
    }

    /// Makes a window.
    public init(from: Timestamp, to: Timestamp, interval: TimeSpan?, now: Timestamp) throws(Problem) {
        guard from < to else { throw Problem(parameter: "to", detail: "must be later than from") }
        self.interval = interval
        let floor = Timestamp(
            microseconds: now.floored(to: Self.day).microseconds - Self.minuteDays * Self.day)
        guard let interval else {
            (self.from, self.to, hours, minutes) = Self.total(from: from, to: to, minutesFrom: floor)
            return
        }
        guard interval.microseconds > 0, interval.microseconds.isMultiple(of: Self.minute) else {
            throw Problem(parameter: "interval", detail: "must be one minute or a multiple of it")
        }
        self.from = from.floored(to: interval.microseconds)
        self.to = to.raised(to: interval.microseconds)
        let count = (self.to.microseconds - self.from.microseconds) / interval.microseconds
        guard count <= Self.maximumBuckets else {
            throw Problem(
                parameter: "interval",
                detail: "makes \(count) buckets of this time, and \(Self.maximumBuckets) are the most; "
                    + "ask for longer ones or for less time")
        }
        let nothing = self.to..<self.to
        if interval.microseconds.isMultiple(of: Self.hour) {
            (hours, minutes) = (self.from..<self.to, (nothing, nothing))
            return
        }
        guard self.from >= floor else {
            throw Problem(
                parameter: "interval",
                detail: "must be whole hours for times before \(floor), from where on minutes are kept")
        }
        (hours, minutes) = (nothing, (self.from..<self.to, nothing))
    }

    /// The beginnings of all buckets.
    public var buckets: [Timestamp] {
        guard let interval else { return [from] }
        return stride(from: from.microseconds, to: to.microseconds, by: Int(interval.microseconds))
            .map { Timestamp(microseconds: $0) }
    }

    /// Length of a bucket in seconds.
    public var bucketSeconds: Int64 {
        (interval?.microseconds ?? (to.microseconds - from.microseconds)) / 1_000_000
    }

    /// Whether both say the same.
    public static func == (left: StatsWindow, right: StatsWindow) -> Bool {
        left.from == right.from && left.to == right.to && left.interval == right.interval && left.hours == right.hours
            && left.minutes == right.minutes
    }

    private static let minute: Int64 = 60_000_000
    private static let hour = 60 * minute
    private static let day = 24 * hour

    private typealias Total = (
        from: Timestamp, to: Timestamp, hours: Range<Timestamp>,
        minutes: (before: Range<Timestamp>, after: Range<Timestamp>)
    )

    /// To the minute where minutes are kept, else to the hour.
    private static func total(from: Timestamp, to: Timestamp, minutesFrom floor: Timestamp) -> Total {
        let from = from.floored(to: from >= floor ? minute : hour)
        let to = to.raised(to: to >= floor ? minute : hour)
        let (first, last) = (from.raised(to: hour), to.floored(to: hour))
        guard first <= last else { return (from, to, to..<to, (from..<to, to..<to)) }
        return (from, to, first..<last, (from..<first, last..<to))
    }
}

extension Timestamp {
    /// The last multiple of a span, in microseconds, that is not later; counted from a Monday.
    fileprivate func floored(to span: Int64) -> Timestamp {
        let monday: Int64 = 978_307_200_000_000
        let over = ((microseconds - monday) % span + span) % span
        return Timestamp(microseconds: microseconds - over)
    }

    /// The first multiple of a span that is not earlier.
    fileprivate func raised(to span: Int64) -> Timestamp {
        let down = floored(to: span)
        return down == self ? self : Timestamp(microseconds: down.microseconds + span)
    }
}
