import ActionModel
import EventModel
import Testing

@testable import EventStore

@Suite("Windows of statistics")
struct StatsWindowTests {
    private static let now = time("2026-03-11T10:20:30Z")  // a Wednesday

    private static func time(_ text: String) -> Timestamp { Timestamp(rfc3339: text)! }

    private static func window(_ from: String, _ to: String, _ interval: String?) throws -> StatsWindow {
        try StatsWindow(from: time(from), to: time(to), interval: interval.map { TimeSpan($0)! }, now: now)
    }

    @Test("Buckets begin at whole multiples, days at midnight and weeks on Monday")
    func alignment() throws {
        let hours = try Self.window("2026-03-10T09:59:00Z", "2026-03-10T11:00:01Z", "1h")
        #expect(hours.from == Self.time("2026-03-10T09:00:00Z") && hours.to == Self.time("2026-03-10T12:00:00Z"))
        #expect(hours.buckets.map(\.rfc3339) == (9...11).map { "2026-03-10T\($0 < 10 ? "0" : "")\($0):00:00Z" })
        let weeks = try Self.window("2026-03-04T00:00:00Z", "2026-03-09T00:00:00Z", "7d")
        #expect(weeks.from == Self.time("2026-03-02T00:00:00Z") && weeks.to == Self.time("2026-03-09T00:00:00Z"))
        #expect(weeks.buckets.count == 1 && weeks.bucketSeconds == 604_800)
        let days = try Self.window("1999-12-31T23:00:00Z", "2000-01-02T00:00:00Z", "1d")
        #expect(days.buckets.map(\.rfc3339) == ["1999-12-31T00:00:00Z", "2000-01-01T00:00:00Z"])
    }

    @Test("Whole hours are read from hours, everything else from minutes, and each moment once")
    func sources() throws {
        let hours = try Self.window("2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z", "6h")
        #expect(hours.hours == hours.from..<hours.to && hours.minutes.before.isEmpty && hours.minutes.after.isEmpty)
        let minutes = try Self.window("2026-03-11T08:00:00Z", "2026-03-11T10:00:00Z", "15m")
        #expect(minutes.hours.isEmpty && minutes.minutes.before == minutes.from..<minutes.to)
        for (from, to) in [
            ("2026-03-11T08:10:00Z", "2026-03-11T10:20:30Z"), ("2026-03-11T08:00:00Z", "2026-03-11T09:00:00Z"),
            ("2026-03-11T08:10:00Z", "2026-03-11T08:20:00Z"), ("2026-03-11T08:10:00Z", "2026-03-11T09:20:00Z"),
            ("2026-03-11T08:10:00Z", "2026-03-11T09:00:00Z"), ("2026-01-01T08:10:00Z", "2026-03-11T09:20:00Z"),
        ] {
            let total = try Self.window(from, to, nil)
            let parts = [total.minutes.before, total.hours, total.minutes.after].filter { !$0.isEmpty }
            #expect(parts.first?.lowerBound == total.from && parts.last?.upperBound == total.to, "\(from) \(to)")
            #expect(zip(parts, parts.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound }, "\(from) \(to)")
            #expect(total.buckets == [total.from])
        }
        let old = try Self.window("2026-01-01T08:10:00Z", "2026-01-01T09:20:00Z", nil)
        #expect(old.from == Self.time("2026-01-01T08:00:00Z") && old.to == Self.time("2026-01-01T10:00:00Z"))
    }

    @Test("What cannot be answered says which part of it and how to ask instead")
    func problems() {
        for (from, to, interval, parameter) in [
            ("2026-03-11T08:00:00Z", "2026-03-11T08:00:00Z", "1h", "to"),
            ("2026-03-11T08:00:00Z", "2026-03-11T09:00:00Z", "90s", "interval"),
            ("2026-03-11T08:00:00Z", "2026-03-11T09:00:00Z", "0m", "interval"),
            ("2026-03-08T23:59:00Z", "2026-03-11T09:00:00Z", "5m", "interval"),
            ("2020-01-01T00:00:00Z", "2026-03-11T09:00:00Z", "1h", "interval"),
            ("0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z", "1m", "interval"),
        ] {
            let problem = #expect(throws: StatsWindow.Problem.self) { try Self.window(from, to, interval) }
            #expect(problem?.parameter == parameter, "\(from) \(to) \(interval)")
        }
        #expect(throws: Never.self) { try Self.window("2026-03-09T00:00:00Z", "2026-03-11T09:00:00Z", "5m") }
    }
}
