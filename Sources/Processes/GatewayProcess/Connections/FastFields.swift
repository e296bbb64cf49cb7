import EventModel
import Glibc
import NIOHTTP1

/// The header fields of a request that the fast intake can answer.
struct FastFields {
    private(set) var authorization = ""
    private(set) var length = 0
    private(set) var requestID: String?
    private(set) var traceparent: String?

    /// Reads the fields in one pass; nil when one of them asks for something that only the router does.
    init?(_ headers: HTTPHeaders) {
        var lengths = 0
        var hosts = 0
        for (name, value) in headers {
            switch name.utf8.count {
            case 4 where Self.isSame(name, "host"): hosts += 1
            case 6 where Self.isSame(name, "accept"):
                guard Self.takesJSON(value) else { return nil }
            case 11 where Self.isSame(name, "traceparent"):
                guard traceparent == nil, EventEnvelope.isTraceparent(value) else { return nil }
                traceparent = value
            case 13 where Self.isSame(name, "authorization"):
                guard authorization.isEmpty else { return nil }
                authorization = value
            case 14 where Self.isSame(name, "content-length"):
                guard let count = Int(value), count > 0 else { return nil }
                length = count
                lengths += 1
            case 12 where Self.isSame(name, "content-type"):
                guard value == "application/json" || value == "application/json; charset=utf-8" else { return nil }
            case 12 where Self.isSame(name, "x-request-id"):
                guard requestID == nil, Observation.isFit(value) else { return nil }
                requestID = value
            default:
                guard !Self.isRouted(name) else { return nil }
            }
        }
        guard !authorization.isEmpty, lengths == 1, hosts == 1 else { return nil }
    }

    /// Whether a field changes what the request means: its framing, its encoding, its key, or its event's attributes.
    private static func isRouted(_ name: String) -> Bool {
        switch name.utf8.count {
        case 6: isSame(name, "expect") || isSame(name, "origin")
        case 7: isSame(name, "upgrade") || isCloudEvents(name)
        case 10: isSame(name, "connection") || isCloudEvents(name)
        case 15: isSame(name, "idempotency-key") || isCloudEvents(name)
        case 16: isSame(name, "content-encoding") || isCloudEvents(name)
        case 17: isSame(name, "transfer-encoding") || isCloudEvents(name)
        default: isCloudEvents(name)
        }
    }

    /// The common ways to say so; the router knows all.
    private static func takesJSON(_ accepted: String) -> Bool {
        if accepted == "*/*" || accepted == "application/json" { return true }
        guard !accepted.utf8.contains(UInt8(ascii: ";")) else { return false }
        return accepted.hasSuffix("*/*") || accepted.hasPrefix("application/json,")
    }

    private static func isCloudEvents(_ name: String) -> Bool {
        name.utf8.count > 3 && isSame(name.prefix(3), "ce-")
    }

    /// Compares without regard to case; the second text is in lower case.
    private static func isSame(_ name: some StringProtocol, _ lowercased: StaticString) -> Bool {
        lowercased.withUTF8Buffer { expected in
            guard name.utf8.count == expected.count else { return false }
            return zip(name.utf8, expected).allSatisfy { byte, other in
                byte == other || (byte >= 0x41 && byte <= 0x5A && byte | 0x20 == other)
            }
        }
    }
}

/// The `date` of answers (RFC 9110 §5.6.7), written anew once a second.
struct HTTPDate {
    private var second: time_t = 0
    private var written = ""

    mutating func text(at now: time_t = time(nil)) -> String {
        guard now != second else { return written }
        second = now
        var now = now
        var fields = tm()
        gmtime_r(&now, &fields)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let clock = [fields.tm_hour, fields.tm_min, fields.tm_sec].map(Self.padded).joined(separator: ":")
        let date = "\(Self.padded(fields.tm_mday)) \(months[Int(fields.tm_mon)]) \(fields.tm_year + 1_900)"
        written = "\(days[Int(fields.tm_wday)]), \(date) \(clock) GMT"
        return written
    }

    private static func padded(_ number: CInt) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }
}
