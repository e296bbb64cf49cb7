// The job queue.
//
// STRUCTURES. The row is the job: `deliveries` in PostgreSQL says of every delivery where it stands, and is the only
// place that does. Redis holds two lists for each kind of action, `collider:ready:<kind>` and
// `collider:ready:<kind>:later`, of ids and nothing else: a bell that says which rows to look at, so that workers need
// not search for them. What has waited already goes into the second, so that ten thousand retries that are due at once
// do not keep new deliveries waiting. Workers take from both at the same time, and of the second slowly while the first
// is not empty; see `YieldingPace.swift`.
//
// WHO MOVES WHAT.
//   processor   inserts rows as `ready` in the transaction of its log position; after the commit, pushes their ids.
//   worker      pops ids in batches and claims their rows in one statement: `ready` → `running`, attempt + 1, a lease
//               token that the server makes, a lease of 30 s that a heartbeat extends every 10 s. An id whose row is
//               not `ready` is dropped. When an attempt has ended, the token guards what becomes of the delivery:
//               `running` → `succeeded`, `scheduled`, `dead`; the attempt is logged in that same statement. Attempts
//               that end while another commit is under way share the next; none waits for the rest of its batch.
//   promoter    `scheduled` and due → `ready`; lease run out → `ready`, or `dead` after the last attempt; pushes
//               both; and pushes `ready` rows again whose ids were pushed a while ago and popped by nobody. Any number
//               of promoters may run: rows are taken by `FOR UPDATE SKIP LOCKED`, so that each goes to one of them.
//
// WHAT HAPPENS ON A CRASH.
//   of the processor, between commit and push: the rows are `ready`; a promoter pushes them.
//   of a worker, between pop and claim: the same. After the claim: the lease runs out, a promoter frees the row, and
//   the attempt stays counted, so that a job that kills its worker ends too. After sending, before finishing: it is
//   sent once more under the same id, by which the receiver knows it.
//   of a worker that only slept: its token is no longer the row's, and what it reports is refused.
//   of Redis, or its emptying: ids are lost and rows are not. While Redis is away, workers look for rows themselves,
//   and promoters go on without pushing. An id that is pushed twice is claimed once.
//
// WHO GIVES WAY. What has waited already, to what is new: in the pace at which it is taken in, in the line for an
// endpoint's slot, and in what it may hold of a worker, so that there is always a slot for something new. What is late
// gives way less and less, and after half a minute not at all. Promoters rest between their batches too.
//
// WHO WAITS. A worker gives a delivery back unattempted, for a time, when its endpoint's circuit breaker is open, its
// endpoint has no free slot, or its action's rate limit is used up (`running` → `scheduled`, attempt - 1). The claim
// brings the breaker along, and slots are the worker's own, so that a delivery that nothing keeps back costs no more.
//
// BOUNDS. A list keeps at most `maximumLength` ids, the oldest; rows whose ids found no place wait for a promoter,
// which pushes waiting rows only where the list is nearly empty, so that a long backlog does not fill it with repeats.

import ActionModel
import EventModel
import EventStore
import Logging
import RedisWire
import Runtime
import ServiceLifecycle

/// One of the two lists of a kind of action.
public struct ReadyList: Hashable, Sendable {
    /// The kind.
    public let kind: ActionKind
    /// Whether it holds what has waited already, or comes in bulk: retries, replays, and ids that were lost.
    public let isLater: Bool

    /// Makes a name of a list.
    public init(_ kind: ActionKind, isLater: Bool = false) {
        self.kind = kind
        self.isLater = isLater
    }

    /// All lists of some kinds.
    static func all(of kinds: [ActionKind]) -> [ReadyList] {
        kinds.flatMap { [ReadyList($0), ReadyList($0, isLater: true)] }
    }

    func name(_ prefix: String) -> String { prefix + kind.rawValue + (isLater ? ":later" : "") }
}

/// The lists of ready deliveries in Redis.
public struct ReadyQueue: Service {
    /// Ids that a list keeps at most.
    public static let maximumLength = 100_000

    let redis: RedisClient
    let prefix: String

    /// Makes a queue; nothing connects yet.
    ///
    /// - Parameter prefix: of the lists' names; tests that share a server have their own.
    public init(_ settings: RedisSettings, prefix: String = "collider:ready:", logger: Logger) {
        redis = RedisClient(
            configuration: RedisConfiguration(host: settings.host, port: settings.port, password: settings.password),
            logger: logger)
        self.prefix = prefix
    }

    /// Waits for graceful shutdown, then closes the connection.
    public func run() async throws {
        try await redis.run()
    }

    /// Appends ids to the lists of their kinds, in one round trip.
    ///
    /// What fails here is no loss: a promoter repeats it. So callers log the error and go on.
    ///
    /// - Parameter later: whether they have waited already, or come in bulk.
    public func push(_ deliveries: some Collection<ReadyDelivery>, later: Bool = false) async throws {
        guard !deliveries.isEmpty else { return }
        let lists = Dictionary(grouping: deliveries, by: \.kind)
        let commands = lists.flatMap { kind, deliveries in
            let name = ReadyList(kind, isLater: later).name(prefix)
            return [
                ["RPUSH", name] + deliveries.map(\.id.description),
                ["LTRIM", name, "0", String(Self.maximumLength - 1)],
            ]
        }
        try Self.check(try await redis.pipeline(commands))
    }

    /// How many ids the lists of each kind hold.
    public func lengths() async throws -> [ActionKind: Int] {
        let kinds = ActionKind.allCases.filter(\.isDelivered)
        let lists = ReadyList.all(of: kinds)
        let replies = try await redis.pipeline(lists.map { ["LLEN", $0.name(prefix)] })
        try Self.check(replies)
        return Dictionary(zip(lists.map(\.kind), replies.map { Int($0.integer ?? 0) }), uniquingKeysWith: +)
    }

    /// Lends a way to pop, on a connection of its own; it is gone when Redis is.
    public func withPopper<R>(_ body: (Popper) async throws -> R) async throws -> R {
        try await redis.withBlockingConnection(blockingFor: Popper.patience) { connection in
            try await body(Popper(connection: connection, prefix: prefix))
        }
    }

    /// Whether Redis may drop keys when its memory is full.
    ///
    /// - Returns: false where Redis is away or does not let us ask: then nobody knows.
    /// - Throws: ``JobQueueError`` of code `evictionPolicy` when it may.
    public func requireNoEviction() async throws -> Bool {
        let reply: RedisReply
        do {
            reply = try await redis.command(["CONFIG", "GET", "maxmemory-policy"])
        } catch {
            return false
        }
        guard let policy = reply.array?.last?.text else { return false }
        guard policy == "noeviction" else {
            throw JobQueueError(
                .evictionPolicy,
                "Redis has maxmemory-policy \(policy); the queue needs noeviction: set it and start again")
        }
        return true
    }

    private static func check(_ replies: [RedisReply]) throws {
        for case .error(let message) in replies { throw RedisError(.server, message) }
    }

    /// Takes ids off the lists, and waits where they are empty.
    public struct Popper: Sendable {
        /// How long a pop waits for the first id; bounds how long a worker takes to notice that it should stop.
        static let patience = Duration.seconds(1)

        let connection: RedisConnection
        let prefix: String

        /// Takes ids off one list: the first that has any, in the order given.
        ///
        /// - Parameter limit: how many, at least 1; asked when there is one, which may be a second later.
        /// - Returns: nothing when all lists stayed empty for a second.
        public func pop(_ lists: [ReadyList], limit: () -> Int) async throws -> [UniqueID] {
            let wait = String(Self.patience.components.seconds)
            let first = try await connection.command(["BLPOP"] + lists.map { $0.name(prefix) } + [wait])
            guard let pair = first.array, pair.count == 2, let list = pair[0].text else { return [] }
            var ids = [pair[1]]
            let limit = limit()
            if limit > 1 {
                ids += try await connection.command(["LPOP", list, String(limit - 1)]).array ?? []
            }
            // What is no id was not put there by us, and has no row.
            return ids.compactMap { $0.text.flatMap { UniqueID($0) } }
        }
    }
}

extension ReadinessCheck {
    /// Whether Redis answers.
    public static func redis(_ queue: ReadyQueue) -> ReadinessCheck {
        ReadinessCheck("redis") {
            do {
                _ = try await queue.lengths()
                return .ready("connected")
            } catch {
                return .failing("cannot be reached")
            }
        }
    }
}
