import EventModel
import RedisWire
import Runtime
import Testing

@testable import JobQueue

@Suite("Quotas of requests", .timeLimit(.minutes(1)))
struct RequestQuotaTests {
    private func queue(port: Int? = nil) throws -> ReadyQueue {
        ReadyQueue(RedisSettings(host: "127.0.0.1", port: try port ?? redisConfiguration().port), logger: quietLogger)
    }

    private static var prefix: String { "test:\(UniqueID.generate()):" }

    @Test("However it is asked, no more goes than the quota and what time gives back")
    func bound() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let limit = QuotaState.Limit(
                count: Int.random(in: 1...50, using: &generator), seconds: Int.random(in: 1...100, using: &generator))
            var state = QuotaState()
            let begin = Int64.random(in: 0...1_000_000_000, using: &generator)
            var (now, given) = (begin, Int64(0))
            for _ in 0..<200 {
                let wanted = Int64.random(in: 1...10, using: &generator)
                let lease = state.take(wanted, of: limit, at: now)
                #expect(lease.given <= wanted && lease.left >= 0 && lease.reset <= limit.span)
                if lease.given < wanted { #expect(lease.left == 0) }
                given += lease.given
                #expect(given <= limit.count + (now - begin) / limit.interval)
                now += Int64.random(in: 0...limit.interval * 2, using: &generator)
            }
        }
    }

    @Test("Who has waited as long as the answer said is let through")
    func wait() {
        let limit = QuotaState.Limit(count: 5, seconds: 10)
        var state = QuotaState()
        #expect(state.take(5, of: limit, at: 0) == QuotaState.Lease(given: 5, left: 0, reset: 10_000_000))
        let lease = state.take(1, of: limit, at: 0)
        #expect(lease.given == 0)
        let wait = lease.reset - limit.span + limit.interval
        #expect(state.take(1, of: limit, at: wait - 1).given == 0 && state.take(1, of: limit, at: wait).given == 1)
    }

    @Test("Gateways share a quota, whatever they have leased")
    func shared() async throws {
        let queue = try queue()
        let prefix = Self.prefix
        let gateways = (0..<3).map { _ in RequestQuotas(queue, prefix: prefix) }
        let limit = QuotaState.Limit(count: 200, seconds: 36_000)
        let gone = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<400 {
                group.addTask { await gateways[number % 3].ask("read:a", of: limit).isAllowed }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect((100...200).contains(gone))
        let other = await gateways[0].ask("read:b", of: limit)
        #expect(other.isAllowed && other.limit == 200 && other.remaining == 199)
    }

    @Test("A lease is spent without a word to Redis, and then no more")
    func lease() async throws {
        let quotas = RequestQuotas(try queue(), prefix: Self.prefix)
        let limit = QuotaState.Limit(count: 100, seconds: 36_000)
        #expect(!quotas.spend("ingest:a"))
        #expect(await quotas.ask("ingest:a", of: limit).isAllowed)
        let spent = (0..<10).count { _ in quotas.spend("ingest:a") }
        #expect(spent == 4, "a twentieth of the quota is leased, and one was the asker's")
    }

    @Test("While Redis is away each gateway keeps to the quota by itself")
    func away() async throws {
        let quotas = RequestQuotas(try queue(port: 1), prefix: Self.prefix)
        let limit = QuotaState.Limit(count: 3, seconds: 3_600)
        var allowed: [Bool] = []
        for _ in 0..<5 { allowed.append(await quotas.ask("write:a", of: limit).isAllowed) }
        #expect(allowed == [true, true, true, false, false])
    }
}
