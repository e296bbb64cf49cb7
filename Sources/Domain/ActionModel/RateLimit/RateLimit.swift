import JSONTree

/// How often an action may be carried out: `{"limit": n, "per": "1s", "burst"?: n}`.
///
/// Attempts are spread evenly, one every `per / limit`. After a pause up to `burst` go at once; so no span of `per`
/// sees more than `limit + burst - 1`.
public struct RateLimit: Sendable, Equatable {
    /// Attempts in a span.
    public let limit: Int64
    /// The span.
    public let per: TimeSpan
    /// How many may go at once after a pause.
    public let burst: Int64

    static let limits: ClosedRange<Int64> = 1...10_000
    static let spans = TimeSpan("1s")!...TimeSpan("24h")!

    /// Makes a limit.
    public init(limit: Int64, per: TimeSpan, burst: Int64 = 1) {
        self.limit = limit
        self.per = per
        self.burst = burst
    }

    init(_ value: JSONValue, pointer: String) throws(JSONValidationError) {
        var reader = ObjectReader(value, pointer: pointer)
        if reader.isObject, !reader.has("limit") { reader.refuse("limit", "is required") }
        let limit = reader.integer("limit", in: Self.limits)
        let burst = reader.integer("burst", in: 1...(limit ?? Self.limits.upperBound))
        let per = reader.string("per", required: true)
        let span = per.flatMap { TimeSpan($0) }.flatMap { Self.spans.contains($0) ? $0 : nil }
        if per != nil, span == nil {
            let (least, most) = (Self.spans.lowerBound, Self.spans.upperBound)
            reader.refuse("per", "must be a duration from \(least) to \(most), like \"1m\"")
        }
        try reader.finish()
        guard let limit, let span else { throw JSONValidationError(pointer: pointer, detail: "is no rate limit") }
        self.init(limit: limit, per: span, burst: burst ?? 1)
    }

    /// Time from one attempt to the next, in microseconds.
    public var interval: Int64 { per.microseconds / limit }

    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("limit", limit)
            $0.member("per", per.description)
            if burst != 1 { $0.member("burst", burst) }
        }
    }
}

extension RateLimit: CustomStringConvertible {
    /// `10 per 1s`.
    public var description: String { "\(limit) per \(per)" }
}
