import JSONTree

/// What a clock on the wall or a calendar shows at a moment of an event, as a field path asks for it: `time.hour`,
/// `received_at.weekday`, `time.hour.+02:00`.
///
/// The offset is fixed, as RFC 3339 writes it; without one it is UTC. There are no zones with summer time: they change
/// by law, and a replay has to give what the first run gave.
public struct ClockReading: Hashable, Sendable {
    /// Which moment of the event.
    public enum Moment: String, Sendable {
        /// When it happened.
        case time
        /// When it was received.
        case receivedAt = "received_at"
    }

    /// What is read.
    public enum Unit: String, Sendable, CaseIterable {
        /// 0 to 23.
        case hour
        /// 0 to 59.
        case minute
        /// 1 for Monday to 7 for Sunday (ISO 8601).
        case weekday
    }

    /// Which moment of the event.
    public let moment: Moment
    /// What is read.
    public let unit: Unit
    /// How far the clock is ahead of UTC, in minutes, within a day.
    public let offsetMinutes: Int16

    /// Reads the steps of a path after the moment's name; nil when they name no unit, so that the path means something
    /// else.
    ///
    /// - Throws: when a unit is followed by what is no offset.
    init?(_ moment: Moment, _ steps: some Collection<JSONPath.Component>) throws(JSONValidationError) {
        guard case .key(let name)? = steps.first, let unit = Unit(rawValue: name) else { return nil }
        self.moment = moment
        self.unit = unit
        switch steps.count {
        case 1: offsetMinutes = 0
        case 2: offsetMinutes = try Self.offset(steps[steps.index(after: steps.startIndex)])
        default: throw Self.noOffset
        }
    }

    /// What the clock shows.
    public func value(at moment: Timestamp) -> Int {
        let minutes = Self.floor(moment.microseconds, 60_000_000) + Int64(offsetMinutes)
        return switch unit {
        case .minute: Int(minutes - Self.floor(minutes, 60) * 60)
        case .hour: Int(Self.floor(minutes, 60) - Self.floor(minutes, 1_440) * 24)
        // 1970-01-01 was a Thursday.
        case .weekday: Int(Self.floor(minutes, 1_440) + 3 - Self.floor(Self.floor(minutes, 1_440) + 3, 7) * 7) + 1
        }
    }

    /// The same as a JSON integer.
    func json(at moment: Timestamp) -> JSONValue { Self.integers[value(at: moment)] }

    /// The integers that there are, parsed once.
    private static let integers: [JSONValue] = {
        let text = "[\((0..<60).map(String.init).joined(separator: ","))]"
        guard let document = try? JSONDocument(text) else { return [] }
        return Array(document.root.elements)
    }()

    private static func floor(_ dividend: Int64, _ divisor: Int64) -> Int64 {
        let quotient = dividend / divisor
        return dividend % divisor < 0 ? quotient - 1 : quotient
    }

    /// `+hh:mm` or `-hh:mm`.
    private static func offset(_ step: JSONPath.Component) throws(JSONValidationError) -> Int16 {
        guard case .key(let text) = step else { throw noOffset }
        let bytes = Array(text.utf8)
        guard bytes.count == 6, bytes[3] == UInt8(ascii: ":"), "+-".utf8.contains(bytes[0]),
            let hours = Int16(text.dropFirst().prefix(2)), let minutes = Int16(text.suffix(2)),
            [bytes[1], bytes[4]].allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), hours < 24,
            minutes < 60
        else { throw noOffset }
        return bytes[0] == UInt8(ascii: "-") ? -(hours * 60 + minutes) : hours * 60 + minutes
    }

    private static let noOffset = JSONValidationError(
        pointer: "", detail: "not a field path: a clock is followed by nothing or by an offset, like time.hour.+02:00")
}

extension ClockReading: CustomStringConvertible {
    /// The path, which parses to the same.
    public var description: String {
        let path = "\(moment.rawValue).\(unit.rawValue)"
        guard offsetMinutes != 0 else { return path }
        let size = offsetMinutes.magnitude
        let digits = [size / 60, size % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
        return "\(path).\(offsetMinutes < 0 ? "-" : "+")\(digits)"
    }
}
