import EventModel

/// The header `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.
enum RetryAfter {
    /// The wait in seconds; nil when the value is neither. A date in the past is a wait of 0.
    static func seconds(_ value: String, now: Timestamp) -> Int? {
        if !value.isEmpty, value.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            return Int(value) ?? .max
        }
        guard let date = date(value) else { return nil }
        return Int(max(0, (date.microseconds - now.microseconds + 999_999) / 1_000_000))
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that may still be sent.
    private static func date(_ value: String) -> Timestamp? {
        let words = value.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 6, words[0].utf8.count == 4, words[0].hasSuffix(","), words[5] == "GMT",
            let month = months.firstIndex(of: words[2])
        else { return nil }
        let number = month + 1 < 10 ? "0\(month + 1)" : "\(month + 1)"
        return Timestamp(rfc3339: "\(words[3])-\(number)-\(words[1])T\(words[4])Z")
    }

    private static let months: [Substring] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
