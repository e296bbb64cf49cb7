import EventModel
import JSONTree
import PostgresWire
import TriggerEngine

/// A stretch of one organization's log, read from its beginning to its end in pages: for whoever evaluates what has
/// been stored once more.
///
/// Of each event it has what conditions can look at: no producer's id, trace or metadata, and of the data only the
/// members that are asked for, if they are few. To write out the data is most of what reading an event costs
/// PostgreSQL, and most conditions look at a member or two.
public struct LogSlice: Sendable {
    /// Most events of a page.
    public static let pageLimit = 5_000
    /// Positions of the first page; later ones go over more or fewer, so that they take about as long.
    private static let firstSpan: Int64 = 5_000
    private static let maximumSpan: Int64 = 1_000_000
    /// How much the clocks of gateways may differ: received times rise with positions, but for this.
    private static let clockSlack: Int64 = 600 * 1_000_000

    /// Most members that are read one by one.
    private static let maximumKeys = 4

    private let pool: PostgresPool
    private let organizationID: UniqueID
    private let part: Int16
    private let from: Timestamp
    private let to: Timestamp
    private let types: [String]?
    /// The members of the data that are read; nil reads all.
    private let keys: [String]?
    /// The first position that has not been read, and the one after the last.
    private var next: Int64
    private let end: Int64
    private let start: Int64
    private var span = LogSlice.firstSpan

    /// Positions that have been gone through.
    public var positionsRead: Int64 { next - start }
    /// Positions that there are.
    public var positions: Int64 { end - start }

    /// Looks for the ends of a slice.
    ///
    /// - Parameters:
    ///   - pool: of the pipeline's role.
    ///   - from: the first received time; `to` is behind the last.
    ///   - types: the types that are read; nil reads all.
    ///   - keys: the members of the data that will be looked at; nil for all.
    init(
        pool: PostgresPool, organizationID: UniqueID, from: Timestamp, to: Timestamp, types: [String]?,
        keys: [String]?
    ) async throws {
        self.pool = pool
        self.organizationID = organizationID
        self.from = from
        self.to = to
        self.types = types
        self.keys = keys.flatMap { $0.count <= Self.maximumKeys ? $0 : nil }
        part = LogPart.part(of: organizationID)
        let head = try await pool.query(Self.head, [.int2(part)]).first?.decode(0, as: Int64.self) ?? 0
        start = try await Self.position(
            of: Timestamp(microseconds: from.microseconds - Self.clockSlack), part: part, upTo: head, pool)
        end = max(
            start,
            try await Self.position(
                of: Timestamp(microseconds: to.microseconds + Self.clockSlack), part: part, upTo: head, pool))
        next = start
    }

    /// The next events, in the order of the log, perhaps none; nil at the end.
    public mutating func nextPage() async throws -> [Event]? {
        guard next < end else { return nil }
        let upTo = min(end, next + span)
        let parameters: [PostgresParameter] = [
            .int2(part), .int8(next), .int8(upTo), .uuid(organizationID), .timestamp(from), .timestamp(to),
            types.map { .texts($0) } ?? .null, .int8(Int64(Self.pageLimit)),
        ]
        let wanted = (0..<Self.maximumKeys).map { index in
            PostgresParameter.optional(keys.flatMap { $0.indices.contains(index) ? $0[index] : nil })
        }
        let rows = try await pool.query(
            keys == nil ? Self.page : Self.pageOfMembers, keys == nil ? parameters : parameters + wanted)
        let events = try rows.map { row in
            try Event(
                id: row.decode(0), organizationID: organizationID, part: part, position: row.decode(1),
                type: row.decode(2), source: row.decode(3), subject: row.decodeIfPresent(4), time: row.decode(5),
                receivedAt: row.decode(6), producerID: nil, traceparent: nil,
                data: data(row))
        }
        if let last = events.last, events.count == Self.pageLimit {
            next = last.position + 1
            span = max(Self.firstSpan, span / 2)
        } else {
            next = upTo
            if events.count < Self.pageLimit / 4 { span = min(Self.maximumSpan, span * 2) }
        }
        return events
    }

    private func data(_ row: PostgresRow) throws -> [UInt8] {
        guard let keys else { return try row.decode(7, as: PostgresJSON.self).bytes }
        var writer = JSONWriter()
        try writer.object { object throws(PostgresError) in
            for (index, key) in keys.enumerated() {
                if let member = try row.decodeIfPresent(7 + index, as: PostgresJSON.self) {
                    object.memberRaw(key, member.bytes)
                }
            }
        }
        return writer.bytes
    }

    /// The first position whose event was received at a moment or after it; the one after the last when there is none.
    ///
    /// Halves the positions, which times follow. What retention has dropped lies before everything.
    private static func position(
        of moment: Timestamp, part: Int16, upTo head: Int64, _ pool: PostgresPool
    ) async throws -> Int64 {
        var low: Int64 = 1
        var high = head + 1
        while low < high {
            let middle = low + (high - low) / 2
            let rows = try await pool.query(Self.probe, [.int2(part), .int8(middle), .int8(head)])
            guard let row = rows.first else {
                high = middle
                continue
            }
            if try row.decode(1, as: Timestamp.self) >= moment {
                high = middle
            } else {
                low = try row.decode(0, as: Int64.self) + 1
            }
        }
        return low
    }

    private static let head = PostgresStatement("slice_head", "SELECT head FROM log_parts WHERE part = $1")

    private static let probe = PostgresStatement(
        "slice_probe",
        """
        SELECT position, received_at FROM events WHERE part = $1 AND position >= $2 AND position <= $3
        ORDER BY position LIMIT 1
        """)

    private static let page = PostgresStatement(
        "slice_page",
        """
        SELECT \(columns), e.data \(range)
        """)

    private static let pageOfMembers = PostgresStatement(
        "slice_page_of_members",
        """
        SELECT \(columns), e.data -> $9::text, e.data -> $10::text, e.data -> $11::text, e.data -> $12::text \(range)
        """)

    private static let columns = "e.id, e.position, e.type, e.source, e.subject, e.time, e.received_at"

    private static let range = """
        FROM events e
        WHERE e.part = $1 AND e.position >= $2 AND e.position < $3 AND e.organization_id = $4
            AND e.received_at >= $5 AND e.received_at < $6 AND ($7::text[] IS NULL OR e.type = ANY ($7))
        ORDER BY e.position LIMIT $8
        """
}

/// Where slices of the log are cut from.
public struct LogSliceSource: Sendable {
    private let pool: PostgresPool

    /// Makes a source on a pool of the pipeline's role.
    public init(pool: PostgresPool) {
        self.pool = pool
    }

    /// What a backtest reads: the events of its time, of the types that its trigger names.
    public func slice(for work: BacktestWork) async throws -> LogSlice {
        try await LogSlice(
            pool: pool, organizationID: work.organizationID, from: work.from, to: work.to,
            types: work.trigger.definition.literalTypes, keys: work.trigger.definition.dataKeys)
    }
}
