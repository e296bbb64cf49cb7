import EventModel
import JSONTree

/// What a trigger would have done, counted: the result of a backtest.
public struct BacktestTally: Sendable {
    /// Most days that are told apart; later ones are counted in the totals only.
    public static let maximumDays = 400
    /// How many of the first firings are shown, and how many of the last.
    public static let samples = 10

    private struct Day: Sendable {
        var fired: Int64 = 0
        var suppressed: Int64 = 0
    }

    private let actionKinds: [String]
    private var total = Day()
    private var days: [Int64: Day] = [:]
    private var first: [TriggerMatch] = []
    private var last: [TriggerMatch] = []

    /// Begins to count.
    ///
    /// - Parameter actionKinds: the type of each of the trigger's actions.
    public init(actionKinds: [String]) {
        self.actionKinds = actionKinds
    }

    /// How often it fired.
    public var fired: Int64 { total.fired }

    /// Counts a match, on the day in UTC on which it came true.
    public mutating func count(_ match: TriggerMatch) {
        let day = Self.day(of: match.at)
        let hasRoom = days.count < Self.maximumDays || days[day] != nil
        if match.isSuppressed {
            total.suppressed += 1
            if hasRoom { days[day, default: Day()].suppressed += 1 }
            return
        }
        total.fired += 1
        if hasRoom { days[day, default: Day()].fired += 1 }
        if first.count < Self.samples {
            first.append(match)
        } else {
            last.append(match)
            if last.count > Self.samples { last.removeFirst() }
        }
    }

    /// Writes the members of the result.
    public func write(to writer: inout JSONWriter) {
        writer.member("fired", total.fired)
        writer.member("suppressed", total.suppressed)
        writer.key("days")
        writer.array { list in
            for (day, counts) in days.sorted(by: { $0.key < $1.key }) {
                list.object {
                    $0.member("date", Self.date(day))
                    $0.member("fired", counts.fired)
                    $0.member("suppressed", counts.suppressed)
                }
            }
        }
        writer.key("deliveries")
        writer.object { object in
            for (kind, actions) in Dictionary(grouping: actionKinds, by: { $0 }).sorted(by: { $0.key < $1.key }) {
                object.member(kind, total.fired * Int64(actions.count))
            }
        }
        writer.key("samples")
        writer.array { list in
            for match in first + last {
                list.object {
                    $0.member("event_id", match.event.id.description)
                    $0.member("at", match.at.rfc3339)
                    if !match.explanation.isEmpty { $0.memberRaw("explanation", match.explanation) }
                }
            }
        }
    }

    private static let dayLength: Int64 = 86_400 * 1_000_000

    private static func day(of moment: Timestamp) -> Int64 {
        let quotient = moment.microseconds / dayLength
        return moment.microseconds % dayLength < 0 ? quotient - 1 : quotient
    }

    private static func date(_ day: Int64) -> String {
        String(Timestamp(microseconds: day * dayLength).rfc3339.prefix(10))
    }
}
