import ActionModel
import EventModel
import EventStore
import RedisWire
import Synchronization

/// Rate limits of actions and of receivers, shared by all workers through Redis, on its clock.
///
/// While Redis is away each worker keeps to the limit by itself: then all of them together may go as often as there are
/// workers.
public struct RateLimiter: Sendable {
    /// Whose limit it is.
    public struct Subject: Hashable, Sendable {
        let name: String

        /// An action of a trigger, in whatever version.
        static func action(_ index: Int, of triggerID: UniqueID) -> Subject {
            Subject(name: "\(triggerID):\(index)")
        }

        /// A receiver that has a limit of its own, by a name that begins with the kind of action.
        public static func receiver(_ name: String) -> Subject { Subject(name: name) }
    }

    private let redis: RedisClient
    private let prefix: String
    private let local = LocalStates()
    private let start = ContinuousClock.now

    /// Makes a limiter on the queue's Redis.
    public init(_ queue: ReadyQueue) {
        redis = queue.redis
        prefix = queue.prefix + "rate:"
    }

    /// Asks for one attempt; see ``RateLimiterState/ask(_:isReturning:at:)``.
    public func ask(_ limit: RateLimit, of subject: Subject, isReturning: Bool) async -> RateLimiterState.Answer {
        do {
            return try await askRedis(limit, subject, isReturning)
        } catch {
            let now = start.duration(to: .now).microseconds
            return local.ask(limit, subject, isReturning, at: now)
        }
    }

    /// Notes that a receiver has said how long it takes nothing, in microseconds.
    public func hold(_ limit: RateLimit, of subject: Subject, for wait: Int64) async {
        let wait = min(max(wait, 0), RateLimiterState.horizon)
        let due = String(wait + (limit.burst - 1) * limit.interval)
        guard (try? await redis.script(Self.holdScript, keys: [prefix + subject.name], arguments: [due])) == nil else {
            return
        }
        local.hold(limit, subject, for: wait, at: start.duration(to: .now).microseconds)
    }

    private func askRedis(
        _ limit: RateLimit, _ subject: Subject, _ isReturning: Bool
    ) async throws(RedisError) -> RateLimiterState.Answer {
        let numbers = [
            limit.interval, (limit.burst - 1) * limit.interval, RateLimiterState.patience, RateLimiterState.horizon,
            isReturning ? 1 : 0,
        ]
        let reply = try await redis.script(
            Self.script, keys: [prefix + subject.name], arguments: numbers.map(String.init))
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

extension RateLimiter {
    /// ``RateLimiterState/hold(_:for:at:)`` in Lua.
    private static let holdScript = RedisScript(
        """
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local stored = redis.call('HMGET', KEYS[1], 'due', 'line')
        local due = math.max(tonumber(stored[1]) or 0, now + tonumber(ARGV[1]))
        redis.call('HSET', KEYS[1], 'due', string.format('%.0f', due))
        redis.call('PEXPIRE', KEYS[1], math.ceil((math.max(due, tonumber(stored[2]) or 0) - now) / 1000) + 1000)
        return 1
        """)
}

/// What one worker knows by itself.
private final class LocalStates: Sendable {
    private static let maximumStates = 10_000
    private let states = Mutex<[RateLimiter.Subject: RateLimiterState]>([:])

    func ask(
        _ limit: RateLimit, _ subject: RateLimiter.Subject, _ isReturning: Bool, at now: Int64
    ) -> RateLimiterState.Answer {
        states.withLock { states in
            if states[subject] == nil, states.count >= Self.maximumStates {
                states = states.filter { !$0.value.isIdle(at: now) }
                if states.count >= Self.maximumStates { states.removeAll() }
            }
            return states[subject, default: RateLimiterState()].ask(limit, isReturning: isReturning, at: now)
        }
    }

    func hold(_ limit: RateLimit, _ subject: RateLimiter.Subject, for wait: Int64, at now: Int64) {
        states.withLock { $0[subject, default: RateLimiterState()].hold(limit, for: wait, at: now) }
    }
}
