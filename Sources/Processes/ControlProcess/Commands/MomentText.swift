import EventModel

/// A moment as a person types it.
enum MomentText {
    static let help = "a day, a time (RFC 3339), or how long ago, like 12h or 7d"

    /// `2026-03-01`, an RFC 3339 time, or `30m`, `12h`, `7d` ago; nil for anything else.
    static func read(_ text: String, before now: Timestamp) -> Timestamp? {
        if let moment = Timestamp(rfc3339: text) ?? Timestamp(rfc3339: "\(text)T00:00:00Z") { return moment }
        let seconds: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let unit = text.last.flatMap({ seconds[$0] }), let count = Int64(text.dropLast()),
            (1...1_000_000_000).contains(count)
        else { return nil }
        return Timestamp(microseconds: now.microseconds - count * unit * 1_000_000)
    }
}
