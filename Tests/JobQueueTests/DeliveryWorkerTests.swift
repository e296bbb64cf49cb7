import ActionModel
import EventModel
import EventStore
import JobQueue
import Runtime
import Synchronization
import Testing

@Suite("Workers deliver every job", .timeLimit(.minutes(2)))
struct DeliveryWorkerTests {
    @Test("Three workers and doubled ids: every delivery is sent once")
    func doubledIDs() async throws {
        try await withQueue { fixture in
            let log = SentLog()
            let workers = (0..<3).map { _ in
                fixture.worker { claimed in
                    log.note(claimed)
                    return .success
                }
            }
            let ready = try await fixture.fire(times: 300)
            try await fixture.queue.push(ready + ready.reversed())
            try await fixture.running(workers + [fixture.promoter()]) {
                try await fixture.until { $0 == [.succeeded: 300] }
            }
            #expect(log.counts.count == 300 && log.total == 300)
        }
    }

    @Test("Redis emptied in the middle: the promoter pushes again, and every delivery is made")
    func emptiedRedis() async throws {
        try await withQueue { fixture in
            let log = SentLog()
            let worker = fixture.worker { claimed in
                log.note(claimed)
                try? await Task.sleep(for: .milliseconds(5))
                return .success
            }
            let ready = try await fixture.fire(times: 1_000)
            try await fixture.queue.push(ready)
            try await fixture.running([worker]) {
                try await fixture.until { $0[.succeeded, default: 0] > 50 }
                try await fixture.emptyRedis()
            }
            // What the worker had popped is done; the rest is ready, and in no list.
            let left = try await fixture.statuses()
            #expect(left[.ready, default: 0] > 0)
            let next = fixture.worker { claimed in
                log.note(claimed)
                return .success
            }
            try await fixture.running([next, fixture.promoter()]) {
                try await fixture.until { $0 == [.succeeded: 1_000] }
            }
            #expect(log.counts.count == 1_000 && log.total == 1_000)
        }
    }

    @Test("Without Redis for the whole run, every delivery is made, also after a failure")
    func noRedis() async throws {
        try await withQueue { fixture in
            let nowhere = ReadyQueue(RedisSettings(host: "127.0.0.1", port: 1), logger: quietLogger)
            let log = SentLog()
            let worker = fixture.worker(on: nowhere) { claimed in
                log.note(claimed)
                return claimed.delivery.attempt == 1 ? .refusal : .success
            }
            _ = try await fixture.fire(times: 100)
            try await fixture.running([worker, fixture.promoter(on: nowhere)]) {
                try await fixture.until { $0 == [.succeeded: 100] }
            }
            #expect(log.counts.count == 100 && log.counts.values.allSatisfy { $0 == 2 })
        }
    }

    @Test("A failing delivery is tried again until its last attempt, and every attempt is logged")
    func exhausted() async throws {
        try await withQueue(attempts: 3) { fixture in
            let ready = try await fixture.fire(times: 1)
            try await fixture.queue.push(ready)
            try await fixture.running([fixture.worker { _ in .failure }, fixture.promoter()]) {
                try await fixture.until { $0 == [.dead: 1] }
            }
            let log = DeliveryStore(pool: fixture.owner)
            let delivery = try #require(await log.delivery(ready[0].id, organizationID: fixture.organization))
            #expect(delivery.lastError == "given up after 3 attempts: the receiver answered 500")
            let attempts = try await log.attempts(of: ready[0].id, organizationID: fixture.organization)
            #expect(attempts.map(\.number) == [1, 2, 3] && attempts.allSatisfy { $0.statusCode == 500 })
        }
    }

    @Test("One endpoint gets eight attempts at a time, and all of its deliveries in the end")
    func endpointBound() async throws {
        try await withQueue { fixture in
            let running = Mutex((now: 0, most: 0))
            let worker = fixture.worker { _ in
                running.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
                try? await Task.sleep(for: .milliseconds(10))
                running.withLock { $0.now -= 1 }
                return .success
            }
            try await fixture.queue.push(fixture.fire(times: 150))
            try await fixture.running([worker, fixture.promoter()]) {
                try await fixture.until { $0 == [.succeeded: 150] }
            }
            #expect(running.withLock { $0.most } == 8)
        }
    }

    @Test("A graceful stop finishes what is being sent and gives back what waits, uncounted")
    func gracefulStop() async throws {
        try await withQueue { fixture in
            let started = AsyncStream.makeStream(of: Void.self)
            let worker = fixture.worker { _ in
                started.continuation.yield()
                // Longer than the stop takes to be noticed; a cancelled sleep would show as a failure.
                do { try await Task.sleep(for: .milliseconds(1_500)) } catch { return .failure }
                return .success
            }
            try await fixture.queue.push(fixture.fire(times: 20))
            try await fixture.running([worker]) {
                var count = 0
                for await _ in started.stream {
                    count += 1
                    if count == 8 { break }
                }
            }
            let statuses = try await fixture.statuses()
            #expect(statuses[.running] == nil && statuses[.succeeded, default: 0] >= 8)
            #expect(statuses.values.reduce(0, +) == 20)
            let left = try await DeliveryStore(pool: fixture.owner).list(
                organizationID: fixture.organization, filter: DeliveryFilter(status: .scheduled), limit: 20)
            #expect(left.allSatisfy { $0.attempt == 0 })
        }
    }

    @Test("A delivery whose lease ran out before its turn is left to whoever has it by then")
    func lateTurn() async throws {
        try await withQueue { fixture in
            var settings = DeliveryWorker.Settings()
            settings.leaseSeconds = 1
            // None, as in a process that sleeps.
            settings.heartbeat = .seconds(60)
            settings.concurrencyPerEndpoint = 1
            let log = SentLog()
            let ready = try await fixture.fire(times: 2)
            let worker = fixture.worker(settings) { claimed in
                log.note(claimed)
                if log.total == 1 { try? await Task.sleep(for: .milliseconds(1_500)) }
                return .success
            }
            try await fixture.queue.push(ready)
            try await fixture.running([worker, fixture.promoter()]) {
                try await fixture.until { $0 == [.succeeded: 2] }
            }
            // The first one's lease ran out while it was being sent, so it is sent again; the other only then.
            #expect(log.counts.values.sorted() == [1, 2])
        }
    }

    @Test("A heartbeat keeps a slow attempt its worker's")
    func slowAttempt() async throws {
        try await withQueue { fixture in
            var settings = DeliveryWorker.Settings()
            settings.leaseSeconds = 1
            settings.heartbeat = .milliseconds(200)
            let log = SentLog()
            let worker = fixture.worker(settings) { claimed in
                log.note(claimed)
                try? await Task.sleep(for: .milliseconds(2_500))
                return .success
            }
            try await fixture.queue.push(fixture.fire(times: 1))
            try await fixture.running([worker, fixture.promoter()]) {
                try await fixture.until { $0 == [.succeeded: 1] }
            }
            #expect(log.total == 1)
        }
    }
}
