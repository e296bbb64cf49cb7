import Testing

@testable import EventModel

struct TimestampTests {
    @Test("Every day of the years 1 to 9999 is the day after the one before")
    func everyDay() {
        var expected = CivilDate(year: 1, month: 1, day: 1)
        var mistakes = 0
        for day in Int64(-719_162)...2_932_896 {
            if CivilDate(daysSince1970: day) != expected || expected.daysSince1970 != day { mistakes += 1 }
            let isLeap = expected.year % 400 == 0 || (expected.year % 4 == 0 && expected.year % 100 != 0)
            let lengths: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            expected.day += 1
            if expected.day > lengths[Int(expected.month) - 1] {
                (expected.day, expected.month) = (1, expected.month + 1)
            }
            if expected.month > 12 { (expected.month, expected.year) = (1, expected.year + 1) }
        }
        #expect(mistakes == 0)
        #expect(expected == CivilDate(year: 10_000, month: 1, day: 1))
    }

    @Test(
        "Known moments",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59.999999Z", -1),
            ("2026-03-01T09:30:00Z", 1_772_357_400_000_000),
            ("2000-02-29T00:00:00Z", 951_782_400_000_000), ("1985-04-12T23:20:50.520Z", 482_196_050_520_000),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000_000), ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
        ] as [(String, Int64)])
    func known(_ text: String, _ microseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.microseconds == microseconds)
        #expect(Timestamp(microseconds: microseconds).rfc3339 == text)
    }

    @Test(
        "Other ways to write a moment",
        arguments: [
            ("1996-12-19T16:39:57-08:00", "1996-12-20T00:39:57Z"),
            ("1937-01-01T12:00:27.87+00:20", "1937-01-01T11:40:27.870Z"),
            ("2026-03-01t09:30:00z", "2026-03-01T09:30:00Z"), ("2026-03-01T09:30:00.1Z", "2026-03-01T09:30:00.100Z"),
            ("2026-03-01T09:30:00.123456789Z", "2026-03-01T09:30:00.123456Z"),
            ("2026-03-01T00:00:00-00:00", "2026-03-01T00:00:00Z"),
            ("2026-03-01T09:30:00.000000Z", "2026-03-01T09:30:00Z"),
            ("2024-03-01T00:30:00+01:00", "2024-02-29T23:30:00Z"),
            ("1990-12-31T23:59:60Z", "1991-01-01T00:00:00Z"), ("1990-12-31T15:59:60-08:00", "1991-01-01T00:00:00Z"),
            ("2026-03-01T00:00:00.000001999Z", "2026-03-01T00:00:00.000001Z"),
        ])
    func otherForms(_ text: String, _ canonical: String) {
        #expect(Timestamp(rfc3339: text)?.rfc3339 == canonical)
    }

    @Test(
        "Nonsense is refused",
        arguments: [
            "", "now", "2026-03-01", "2026-03-01T09:30:00", "2026-03-01 09:30:00Z", "2026-03-01T09:30Z",
            "2026-3-1T09:30:00Z",
            "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:60Z", "2026-01-01T00:00:61Z", "2026-01-01T23:59:60+01:00", "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.1234567890Z", "2026-01-01T00:00:00,5Z", "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00+01:60", "2026-01-01T00:00:00+0100", "2026-01-01T00:00:00+01", "2026-01-01T00:00:00Zx",
            "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "-001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01", "２０２６-01-01T00:00:00Z", "2026-01-01T00:00:00Z\n", " 2026-01-01T00:00:00Z",
        ])
    func refused(_ text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test("Random moments survive a round trip, in UTC and in any zone")
    func roundTrip() {
        var random = SeededGenerator(seed: 5)
        for round in 0..<20_000 {
            let scale: Int64 = [1, 1000, 1_000_000][round % 3]
            let range = (-62_135_596_800_000_000 / scale)...(253_402_300_799_999_999 / scale)
            let moment = Timestamp(microseconds: Int64.random(in: range, using: &random) * scale)
            #expect(Timestamp(rfc3339: moment.rfc3339) == moment)

            let minutes = Int64.random(in: -1439...1439, using: &random)
            let local = Timestamp(microseconds: moment.microseconds + minutes * 60_000_000)
            guard Timestamp.writable.contains(local) else { continue }
            func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
            let zone = "\(minutes < 0 ? "-" : "+")\(two(abs(minutes) / 60)):\(two(abs(minutes) % 60))"
            #expect(Timestamp(rfc3339: local.rfc3339.dropLast() + zone) == moment)
        }
    }

    @Test("Moments compare by time, and those that can't be written don't trap")
    func order() {
        #expect(Timestamp(milliseconds: 1) == Timestamp(microseconds: 1000))
        #expect(Timestamp(milliseconds: -1) < Timestamp(milliseconds: 0))
        #expect(Timestamp(milliseconds: .max).microseconds == .max)
        #expect(Timestamp(milliseconds: .min).microseconds == .min)
        #expect(Timestamp(microseconds: .max).rfc3339 == "9999-12-31T23:59:59.999999Z")
        #expect(Timestamp(microseconds: .min).description == "0001-01-01T00:00:00Z")
    }
}
