// Quotas of requests.
//
// A quota belongs to a name, such as a key within a class of routes, and is kept in Redis, on its clock, for all
// gateways together. A gateway takes from it in leases of several requests, which it then spends by itself: so
// most requests are let through without a word to Redis. A lease that is not spent within a second is forgotten,
// and what was left of it is lost to the name: at most a twentieth of the quota for each gateway. Quotas of up to
// 20 are taken one by one.
//
// While Redis is away each gateway keeps to the quota by itself: all together may then let through as many times
// as much as there are gateways.

import RedisWire
import Synchronization

/// How many requests are let through, shared by all gateways.
public final class RequestQuotas: Sendable {
    /// What became of a request.
    public struct Answer: Sendable {
        /// Whether it may go on.
        public let isAllowed: Bool
        /// The whole quota.
        public let limit: Int64
        /// What is left of it, as far as this gateway knows.
        public let remaining: Int64
        /// Until all of it is there again, in microseconds.
        public let reset: Int64
        /// Until one more is let through, in microseconds.
        public let wait: Int64
    }

    private struct Entry {
        var leased: Int64 = 0
        var until: Int64 = 0
        /// What was left in Redis besides, and until when that is used up no more.
        var left: Int64 = 0
        var resetAt: Int64 = 0
        /// Whether somebody fetches a lease.
        var isAsking = false
        /// Only while Redis is away.
        var own = QuotaState()

        /// Spends what is there, or begins to fetch more.
        mutating func begin(at now: Int64) -> (isSpent: Bool, isFirst: Bool, Entry) {
            if leased > 0, until > now {
                leased -= 1
                return (true, false, self)
            }
            defer { isAsking = true }
            return (false, !isAsking, self)
        }

        /// Adds a lease, and spends one of what there is.
        mutating func take(_ lease: QuotaState.Lease, at now: Int64) -> Bool {
            if until <= now { leased = 0 }
            leased += lease.given
            until = now + RequestQuotas.leaseTime
            left = lease.left
            resetAt = now + lease.reset
            guard leased > 0 else { return false }
            leased -= 1
            return true
        }

        func isIdle(at now: Int64) -> Bool { until <= now && own.isIdle(at: now) }
    }

    private static let maximumEntries = 10_000
    private static let leaseTime: Int64 = 1_000_000

    private let redis: RedisClient
    private let prefix: String
    private let entries = Mutex<[String: Entry]>([:])
    private let start = ContinuousClock.now

    /// Makes quotas in the queue's Redis.
    ///
    /// - Parameter prefix: of the names of keys; tests that share a server have their own.
    public init(_ queue: ReadyQueue, prefix: String = "collider:quota:") {
        redis = queue.redis
        self.prefix = prefix
    }

    /// Lets a request through that a lease is there for; false when somebody has to be asked.
    public func spend(_ name: String) -> Bool {
        let now = now
        return entries.withLock { entries in
            guard let entry = entries[name], entry.leased > 0, entry.until > now else { return false }
            entries[name]?.leased -= 1
            return true
        }
    }

    /// Asks for one request.
    public func ask(_ name: String, of limit: QuotaState.Limit) async -> Answer {
        let now = now
        let (isSpent, isFirst, known) = entries.withLock { entries in
            if entries[name] == nil { Self.makeRoom(in: &entries, at: now) }
            return entries[name, default: Entry()].begin(at: now)
        }
        if isSpent { return Self.answer(limit, known, isAllowed: true, at: now) }
        // Who comes while a lease is being fetched takes one for himself only.
        let wanted = isFirst ? max(1, min(limit.count / 20, 1_000)) : 1
        let lease = try? await askRedis(name, limit, wanted)
        return entries.withLock { entries in
            let now = self.now
            var entry = entries[name, default: Entry()]
            if isFirst { entry.isAsking = false }
            let isAllowed = entry.take(lease ?? entry.own.take(1, of: limit, at: now), at: now)
            entries[name] = entry
            return Self.answer(limit, entry, isAllowed: isAllowed, at: now)
        }
    }

    private static func makeRoom(in entries: inout [String: Entry], at now: Int64) {
        guard entries.count >= maximumEntries else { return }
        entries = entries.filter { !$0.value.isIdle(at: now) }
        if entries.count >= maximumEntries { entries.removeAll() }
    }

    private var now: Int64 { start.duration(to: .now).microseconds }

    private static func answer(
        _ limit: QuotaState.Limit, _ entry: Entry, isAllowed: Bool, at now: Int64
    ) -> Answer {
        let reset = max(0, entry.resetAt - now)
        let wait = isAllowed ? 0 : max(1, reset - limit.span + limit.interval)
        return Answer(
            isAllowed: isAllowed, limit: limit.count, remaining: entry.left + entry.leased, reset: reset, wait: wait)
    }

    private func askRedis(
        _ name: String, _ limit: QuotaState.Limit, _ wanted: Int64
    ) async throws(RedisError) -> QuotaState.Lease {
        let reply = try await redis.script(
            Self.script, keys: [prefix + name],
            arguments: [limit.interval, limit.count, wanted].map(String.init))
        let numbers = reply.array?.compactMap(\.integer) ?? []
        guard numbers.count == 3 else {
            throw RedisError(.unexpectedReply, "the quota's script gave no three integers")
        }
        return QuotaState.Lease(given: numbers[0], left: numbers[1], reset: numbers[2])
    }

    /// ``QuotaState/take(_:of:at:)`` in Lua. Numbers are doubles, exact up to 2^53 microseconds; they are formatted by
    /// hand because Lua writes large ones with an exponent.
    private static let script = RedisScript(
        """
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local interval, count, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
        local due = math.max(tonumber(redis.call('GET', KEYS[1])) or 0, now)
        local room = math.max(0, math.floor((now + count * interval - due) / interval))
        local given = math.min(wanted, room)
        if given > 0 then
            due = due + given * interval
            redis.call('SET', KEYS[1], string.format('%.0f', due), 'PX', math.ceil((due - now) / 1000) + 1000)
        end
        return {given, room - given, due - now}
        """)
}
