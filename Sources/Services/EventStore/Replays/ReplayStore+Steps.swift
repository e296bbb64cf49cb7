import ActionModel
import EventModel
import PostgresWire
import Runtime
import TriggerEngine

/// What a step of a replay has done.
public struct ReplayStep: Sendable {
    /// The deliveries that it made: push them to Redis.
    public let ready: [ReadyDelivery]
    /// Whether nothing is left.
    public let isLast: Bool
}

/// What processors do, of all organizations: for the pipeline's role.
extension ReplayStore {
    /// Takes one that nobody works on; nil when there is none. One that was taken too often is ended here.
    ///
    /// - Parameter lease: how long it is this process's alone; each step renews it.
    public func claim(lease: Duration) async throws -> ReplayWork? {
        while let row = try await pool.query(ReplayMoves.claim, [.int8(lease.wholeMicroseconds)]).first {
            let work = try Self.work(row)
            guard try row.decode(15, as: Int16.self) <= Int16(Self.maximumAttempts) else {
                try await end(
                    work, .failed, because: "\(Self.maximumAttempts) processors have ended while they worked on it")
                continue
            }
            if try row.decode(16, as: Bool.self) { try await count(work, from: row.decode(17)) }
            return work
        }
        return nil
    }

    /// Makes the next deliveries, in one transaction with how far it is; nil, and nothing is made, when the replay is
    /// no longer this process's: it was cancelled, or the lease had ended and another has it.
    ///
    /// - Parameters:
    ///   - limit: how many deliveries, or firings, it is made from at most.
    ///   - triggers: reads the actions.
    public func step(
        _ work: ReplayWork, limit: Int, triggers: TriggerStore, lease: Duration
    ) async throws -> ReplayStep? {
        try await pool.withTransaction { connection in
            let key: [PostgresParameter] = [.uuid(work.id), .uuid(work.token)]
            guard let place = try await connection.query(ReplayMoves.hold, key).first else { return nil }
            let page = try await read(work, from: place, limit: limit, on: connection)
            var jobs = ReplayJobs(organizationID: work.organizationID, isOfFirings: work.isOfFirings)
            let wanted = Set(page.sources.compactMap(\.wanted))
            let versions = try await triggers.versions(
                wanted.map { (id: $0.id, version: $0.version) }, role: .live, on: connection)
            jobs.add(page.sources, versions: versions)
            let ready =
                jobs.isEmpty
                ? []
                : try await DeliveryCoding.ready(
                    connection.query(ReplayMoves.insert, jobs.parameters(replay: work.id)))
            _ = try await connection.query(
                ReplayMoves.advance,
                key + [
                    .int8(lease.wholeMicroseconds), .timestamp(page.reachedAt), .uuid(page.reachedID),
                    .int8(Int64(page.sources.count)), .int8(Int64(ready.count)),
                    .int8(Int64(jobs.skipped + jobs.count - ready.count)),
                ])
            return ReplayStep(ready: ready, isLast: page.isLast)
        }
    }

    /// Ends a replay of which nothing is left.
    public func finish(_ work: ReplayWork) async throws {
        try await end(work, .succeeded)
    }

    /// Gives a replay back, for another processor to go on with.
    public func release(_ work: ReplayWork) async throws {
        _ = try await pool.query(ReplayMoves.release, [.uuid(work.id), .uuid(work.token)])
    }

    private func end(_ work: ReplayWork, _ status: JobStatus, because error: String? = nil) async throws {
        _ = try await pool.query(
            ReplayMoves.finish, [.uuid(work.id), .uuid(work.token), .text(status.rawValue), .optional(error)])
    }

    /// Counts what matches, for whoever watches; it does without where that takes too long.
    private func count(_ work: ReplayWork, from: Timestamp) async throws {
        let place: [PostgresParameter] = [
            .uuid(work.organizationID), .timestamp(from), .uuid(UniqueID(high: 0, low: 0)), .timestamp(work.to),
        ]
        do throws(PostgresError) {
            let rows =
                work.isOfFirings
                ? try await pool.query(ReplayMoves.countFirings, place + Self.firingMatches(work))
                : try await pool.query(ReplayMoves.countDeliveries, place + Self.deliveryMatches(work))
            let total = try rows[0].decode(0, as: Int64.self)
            _ = try await pool.query(ReplayMoves.setTotal, [.uuid(work.id), .uuid(work.token), .int8(total)])
        } catch {
            guard error.sqlState == SQLState.queryCanceled else { throw error }
        }
    }

    private static func deliveryMatches(_ work: ReplayWork) -> [PostgresParameter] {
        [
            .optional(work.filter.status?.rawValue), .optional(work.filter.triggerID), .optional(work.filter.eventID),
            .optional(work.filter.kind?.rawValue), .bool(work.again), .uuid(work.id),
        ]
    }

    private static func firingMatches(_ work: ReplayWork) -> [PostgresParameter] {
        [
            .optional(work.filter.triggerID), .optional(work.filter.eventID), .optional(work.events.from),
            .optional(work.events.to), .optional(work.events.type),
        ]
    }

    private static func work(_ row: PostgresRow) throws -> ReplayWork {
        let isOfFirings = try row.decode(3, as: String.self) == "firings"
        let version = try row.decode(4, as: String.self)
        let filter = DeliveryFilter(
            status: try row.decodeIfPresent(7, as: String.self).flatMap { DeliveryStatus(rawValue: $0) },
            triggerID: try row.decodeIfPresent(8), eventID: try row.decodeIfPresent(9),
            kind: try row.decodeIfPresent(10, as: String.self).flatMap { ActionKind(rawValue: $0) })
        return try ReplayWork(
            id: row.decode(0), organizationID: row.decode(1), rate: row.decode(2), isOfFirings: isOfFirings,
            version: NewReplay.Version(rawValue: version) ?? .fired, again: row.decode(5), to: row.decode(6),
            filter: filter,
            events: NewReplay.EventRange(
                type: row.decodeIfPresent(11), from: row.decodeIfPresent(12), to: row.decodeIfPresent(13)),
            token: row.decode(14))
    }

    /// What a step is made from.
    private struct Page {
        var sources: [ReplaySource] = []
        var reachedAt: Timestamp
        var reachedID: UniqueID
        var isLast = false
    }

    private static let pageRows = 5_000

    private func read(
        _ work: ReplayWork, from place: PostgresRow, limit: Int, on connection: PostgresConnection
    ) async throws -> Page {
        var page = Page(reachedAt: try place.decode(0), reachedID: try place.decode(1))
        let start: [PostgresParameter] = [
            .uuid(work.organizationID), .timestamp(page.reachedAt), .uuid(page.reachedID), .timestamp(work.to),
        ]
        let end: [PostgresParameter] = [.text(work.version.rawValue), .int8(Int64(limit))]
        let rows =
            work.isOfFirings
            ? try await connection.query(ReplayMoves.firings, start + Self.firingMatches(work) + end)
            : try await connection.query(ReplayMoves.deliveries, start + Self.deliveryMatches(work) + end)
        page.sources = try rows.compactMap { try ReplaySource($0) }
        if page.sources.count == limit, let last = page.sources.last {
            (page.reachedAt, page.reachedID) = (last.createdAt, last.id)
        } else if let first = rows.first, let last = try first.decodeIfPresent(1, as: Timestamp.self) {
            (page.reachedAt, page.reachedID) = (last, try first.decode(2))
            page.isLast = try first.decode(0, as: Int.self) < Self.pageRows
        } else {
            page.isLast = true
        }
        return page
    }
}

/// A delivery or a firing that is made again.
private struct ReplaySource {
    struct Version: Hashable {
        let id: UniqueID
        let version: Int32
    }

    let id: UniqueID
    let createdAt: Timestamp
    let firingID: UniqueID
    let eventID: UniqueID
    let eventReceivedAt: Timestamp
    /// The version whose actions are wanted; nil where that, or the event, is gone.
    let wanted: Version?
    /// What there was before: the delivery of an action by its index.
    let originals: [Int: UniqueID]
    /// The kind of action; of deliveries only.
    let kind: String?

    /// Nil for a row that only says how far the page went.
    init?(_ row: PostgresRow) throws {
        guard let id = try row.decodeIfPresent(3, as: UniqueID.self) else { return nil }
        self.id = id
        createdAt = try row.decode(4)
        firingID = try row.decode(5)
        eventID = try row.decode(7)
        eventReceivedAt = try row.decode(8)
        let trigger = try row.decode(6, as: UniqueID.self)
        let version = try row.decodeIfPresent(9, as: Int32.self)
        wanted = try row.decode(10, as: Bool.self) ? version.map { Version(id: trigger, version: $0) } : nil
        let indexes = try row.decode(11, as: [String].self).compactMap { Int($0) }
        let ids = try row.decode(12, as: [String].self).compactMap { UniqueID($0) }
        originals = Dictionary(zip(indexes, ids)) { first, _ in first }
        kind = try row.decodeIfPresent(13)
    }
}

/// The deliveries that a step makes.
private struct ReplayJobs {
    private struct Job {
        let id: UniqueID
        let source: ReplaySource
        let trigger: Trigger
        let index: Int

        var action: ActionDefinition { trigger.definition.actions[index] }
        var original: UniqueID? { source.originals[index] }
    }

    let organizationID: UniqueID
    let isOfFirings: Bool
    /// Sources of which nothing is made.
    private(set) var skipped = 0
    private var jobs: [Job] = []

    init(organizationID: UniqueID, isOfFirings: Bool) {
        self.organizationID = organizationID
        self.isOfFirings = isOfFirings
    }

    var isEmpty: Bool { jobs.isEmpty }
    var count: Int { jobs.count }

    mutating func add(_ sources: [ReplaySource], versions: [Trigger]) {
        let triggers = Dictionary(
            versions.map { (ReplaySource.Version(id: $0.id, version: $0.version), $0) }
        ) { first, _ in first }
        let now = Timestamp.now()
        for source in sources {
            guard let trigger = source.wanted.flatMap({ triggers[$0] }) else {
                skipped += 1
                continue
            }
            let actions = trigger.definition.actions
            let indexes = isOfFirings ? Array(actions.indices) : source.originals.keys.filter(actions.indices.contains)
            let chosen = indexes.filter { index in
                // An action of another kind that has come to stand in the place is another action.
                actions[index].kind.isDelivered && (isOfFirings || actions[index].kind.rawValue == source.kind)
            }
            if chosen.isEmpty, !isOfFirings { skipped += 1 }
            jobs += chosen.map { Job(id: .generate(at: now), source: source, trigger: trigger, index: $0) }
        }
    }

    func parameters(replay: UniqueID) -> [PostgresParameter] {
        let originals = jobs.compactMap(\.original)
        return [
            .uuids(jobs.map(\.id)), .timestamps(jobs.map(\.id.creationTime)), .uuids(jobs.map(\.source.firingID)),
            .uuids(jobs.map(\.trigger.id)), .int4s(jobs.map(\.trigger.version)), .uuids(jobs.map(\.source.eventID)),
            .timestamps(jobs.map(\.source.eventReceivedAt)), .int2s(jobs.map { Int16(clamping: $0.index) }),
            .texts(jobs.map(\.action.kind.rawValue)),
            .int2s(jobs.map { Int16(clamping: $0.action.retry.maxAttempts) }), .uuids(jobs.map(\.original)),
            .uuid(organizationID), .uuid(replay), .uuids(originals), .timestamps(originals.map(\.creationTime)),
            .texts(jobs.map(\.action.config.endpoint)),
        ]
    }
}
