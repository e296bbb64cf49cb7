import ActionModel
import EventModel
import EventStore
import JobQueue
import Logging
import Runtime
import ServiceLifecycle
import TestKit
import Testing
import TriggerEngine

@testable import ProcessorProcess

@Suite("Replays at work")
struct ReplayingTests {
    private static let hook = #", "actions": [{"type": "rest", "config": {"url": "https://example.com"}}]"#

    private func withDead(
        _ count: Int, _ body: (EvaluatorFixture, ReplayStore, Replaying) async throws -> Void
    ) async throws {
        try await withEvaluators { fixture in
            _ = try await fixture.makeTrigger("all", condition: #"{"all": []}"#, more: Self.hook)
            try await fixture.append((0..<count).map { ("{}", Double($0)) })
            try await fixture.drain(fixture.evaluator())
            try await fixture.script("UPDATE deliveries SET status = 'dead', finished_at = now()")
            try await Task.sleep(for: .milliseconds(2))
            var quiet = testLogger
            quiet.logLevel = .critical
            let queue = ReadyQueue(
                RedisSettings(host: "127.0.0.1", port: try TestServers.redisPort),
                prefix: "test:\(fixture.organization):", logger: quiet)
            let replaying = Replaying(
                store: ReplayStore(pool: fixture.pipeline),
                triggers: TriggerStore(pool: fixture.pipeline, keyring: fixture.keyring, logger: quiet), queue: queue,
                logger: quiet)
            try await body(fixture, ReplayStore(pool: fixture.gateway), replaying)
        }
    }

    private func order(rate: Int) -> NewReplay {
        var order = NewReplay(.deliveries(DeliveryFilter(status: .dead)), request: Array("{}".utf8))
        order.rate = rate
        return order
    }

    @Test func `a replay runs to its end, and what it makes is in the queue`() async throws {
        try await withDead(120) { fixture, replays, replaying in
            let replay = try await replays.create(order(rate: 10_000), organizationID: fixture.organization)
            #expect(try await replaying.runNext())
            #expect(try await !replaying.runNext())
            let ended = try await replays.replay(replay.id, organizationID: fixture.organization)
            #expect(ended?.status == .succeeded && ended?.made == 120)
            #expect(try await replaying.queue.lengths()[.rest] == 120)
        }
    }

    @Test func `it makes no more in a second than it may`() async throws {
        try await withDead(30) { fixture, replays, replaying in
            _ = try await replays.create(order(rate: 40), organizationID: fixture.organization)
            let start = ContinuousClock.now
            #expect(try await replaying.runNext())
            // 10 at a time; those of the last step are not waited for.
            #expect(start.duration(to: .now) > .milliseconds(700))
        }
    }

    @Test func `a processor that stops gives a replay back, and another goes on with it`() async throws {
        try await withDead(50) { fixture, replays, replaying in
            let replay = try await replays.create(order(rate: 4), organizationID: fixture.organization)
            let group = ServiceGroup(
                services: [replaying], gracefulShutdownSignals: [], cancellationSignals: [], logger: testLogger)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                while try await replays.replay(replay.id, organizationID: fixture.organization)?.made == 0 {
                    try await Task.sleep(for: .milliseconds(20))
                }
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
            let left = try await replays.replay(replay.id, organizationID: fixture.organization)
            #expect(left?.status == .queued && left?.made ?? 50 < 50)
            try await fixture.script("UPDATE replays SET rate = 10000")
            #expect(try await replaying.runNext())
            let ended = try await replays.replay(replay.id, organizationID: fixture.organization)
            #expect(ended?.status == .succeeded && ended?.made == 50)
        }
    }
}
