import ActionModel
import EventModel
import EventStore
import RedisWire
import Synchronization

/// Rate limits of actions, shared by all workers through Redis, on its clock.
///
/// While Redis is away each worker keeps to the limit by itself: then all of them together may go as often as there are
/// workers.
struct RateLimiter: Sendable {
    /// Whose limit it is: an action of a trigger, in whatever version.
    struct Action: Hashable {
        let triggerID: UniqueID
        let index: Int
    }

    private let redis: RedisClient
    private let prefix: String
    private let local = LocalStates()
    private let start = ContinuousClock.now

    init(_ queue: ReadyQueue) {
        redis = queue.redis
        prefix = queue.prefix + "rate:"
    }

    /// Asks for one attempt; see ``RateLimiterState/ask(_:isReturning:at:)``.
    func ask(_ limit: RateLimit, of action: Action, isReturning: Bool) async -> RateLimiterState.Answer {
        do {
            return try await askRedis(limit, action, isReturning)
        } catch {
            let now = start.duration(to: .now).microseconds
            return local.ask(limit, action, isReturning, at: now)
        }
    }

    private func askRedis(
        _ limit: RateLimit, _ action: Action, _ isReturning: Bool
    ) async throws(RedisError) -> RateLimiterState.Answer {
        let numbers = [
            limit.interval, (limit.burst - 1) * limit.interval, RateLimiterState.patience, RateLimiterState.horizon,
            isReturning ? 1 : 0,
        ]
        let reply = try await redis.script(
            Self.script, keys: ["\(prefix)\(action.triggerID):\(action.index)"], arguments: numbers.map(String.init))
        guard let pair = reply.array, pair.count == 2, let verdict = pair[0].integer, let wait = pair[1].integer else {
            throw RedisError(.unexpectedReply, "the rate limit's script gave no pair of integers")
        }
        return verdict == 1 ? .go(after: wait) : .comeBack(after: wait)
    }

    /// ``RateLimiterState/ask(_:isReturning:at:)`` in Lua. Numbers are doubles, exact up to 2^53 microseconds; they are
    /// formatted by hand because Lua writes large ones with an exponent.
    private static let script = RedisScript(
        """
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local interval, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2])
        local patience, horizon = tonumber(ARGV[3]), tonumber(ARGV[4])
        local stored = redis.call('HMGET', KEYS[1], 'due', 'line')
        local due, line = tonumber(stored[1]) or 0, tonumber(stored[2]) or 0
        local earliest = math.max(now, due - tolerance)
        local verdict, wait
        if earliest - now <= patience and (ARGV[5] == '1' or line <= now) then
            due = math.max(due, earliest) + interval
            verdict, wait = 1, earliest - now
        else
            local slot = earliest
            if line > now then slot = math.max(earliest, line + interval) end
            if slot - now > horizon then return {0, horizon} end
            line = slot
            verdict, wait = 0, slot - now
        end
        redis.call('HSET', KEYS[1], 'due', string.format('%.0f', due), 'line', string.format('%.0f', line))
        redis.call('PEXPIRE', KEYS[1], math.ceil((math.max(due, line) - now) / 1000) + 1000)
        return {verdict, wait}
        """)
}

/// The states of actions in one worker.
private final class LocalStates: Sendable {
    private static let maximumStates = 10_000
    private let states = Mutex<[RateLimiter.Action: RateLimiterState]>([:])

    func ask(
        _ limit: RateLimit, _ action: RateLimiter.Action, _ isReturning: Bool, at now: Int64
    ) -> RateLimiterState.Answer {
        states.withLock { states in
            if states[action] == nil, states.count >= Self.maximumStates {
                states = states.filter { !$0.value.isIdle(at: now) }
                if states.count >= Self.maximumStates { states.removeAll() }
            }
            return states[action, default: RateLimiterState()].ask(limit, isReturning: isReturning, at: now)
        }
    }
}
