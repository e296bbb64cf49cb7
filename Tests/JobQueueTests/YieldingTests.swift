import ActionModel
import EventModel
import EventStore
import Synchronization
import Testing

@testable import JobQueue

@Suite("Retries give way to new deliveries", .timeLimit(.minutes(2)))
struct YieldingTests {
    @Test("While new deliveries come, batches are small and followed by rests that grow with the load")
    func gives() {
        var pace = YieldingPace(fullBatch: 96)
        #expect(pace.batch(isYielding: true) == YieldingPace.smallBatch)
        let short = pace.rest(after: .milliseconds(2), lateness: .seconds(1), share: 1, isYielding: true)
        let long = pace.rest(after: .milliseconds(20), lateness: .seconds(4), share: 1, isYielding: true)
        #expect(short == .milliseconds(16) && long == .milliseconds(160))
    }

    @Test("Without new deliveries, batches are full and nothing rests")
    func alone() {
        var pace = YieldingPace(fullBatch: 96)
        #expect(pace.batch(isYielding: false) == 96)
        #expect(pace.rest(after: .milliseconds(20), lateness: .seconds(1), share: 1, isYielding: false) == .zero)
        #expect(YieldingPace(fullBatch: 1).batch(isYielding: true) == 1)
    }

    @Test("The later they are, the less they give way, and after half a minute not at all")
    func hurries() {
        var pace = YieldingPace(fullBatch: 108)
        var last: (batch: Int, rest: Duration) = (0, .seconds(1))
        for lateness in stride(from: 6, through: 30, by: 4) {
            let rest = pace.rest(after: .milliseconds(10), lateness: .seconds(lateness), share: 1, isYielding: true)
            let batch = pace.batch(isYielding: true)
            #expect(batch > last.batch && rest < last.rest, "\(lateness) s")
            last = (batch, rest)
        }
        #expect(last == (108, .zero))
        // A batch of which nothing could be claimed says nothing; one that is in time ends the hurry.
        #expect(pace.rest(after: .milliseconds(10), lateness: nil, share: 1, isYielding: true) == .zero)
        let rest = pace.rest(after: .milliseconds(10), lateness: .seconds(1), share: 1, isYielding: true)
        #expect(rest == .milliseconds(80))
        #expect(pace.batch(isYielding: true) == YieldingPace.smallBatch)
    }

    @Test("Ids whose deliveries are elsewhere cost no rest")
    func doubledIDs() {
        var pace = YieldingPace(fullBatch: 96)
        #expect(pace.rest(after: .milliseconds(2), lateness: nil, share: 0, isYielding: true) == .zero)
        #expect(
            pace.rest(after: .milliseconds(2), lateness: .zero, share: 0.5, isYielding: true) == .milliseconds(8))
    }

    @Test("New deliveries are coming for a quarter of a second after the last one")
    func window() {
        let arrivals = NewArrivals()
        let now = ContinuousClock.now
        #expect(!arrivals.areComing(at: now))
        arrivals.note(at: now)
        #expect(arrivals.areComing(at: now.advanced(by: .milliseconds(249))))
        #expect(!arrivals.areComing(at: now.advanced(by: NewArrivals.window)))
    }

    @Test("New deliveries are sent while retries hold every slot that they may have")
    func reserve() async throws {
        try await withQueue { fixture in
            let retries = try await fixture.pushRetries(times: 30)
            let gate = Gate()
            let sent = SentLog()
            var settings = DeliveryWorker.Settings()
            settings.concurrency = 16
            settings.concurrencyPerEndpoint = 16
            let worker = fixture.worker(settings) { claimed in
                sent.note(claimed)
                if retries.contains(claimed.delivery.id) { await gate.wait() }
                return .success
            }
            try await fixture.running([worker]) {
                while sent.total < 14 { try await Task.sleep(for: .milliseconds(5)) }
                let new = try await fixture.fire(times: 10)
                try await fixture.queue.push(new)
                try await fixture.until { $0[.succeeded, default: 0] == 10 }
                #expect(sent.total == 24, "fourteen retries, and everything new")
                gate.open()
                try await fixture.until { $0 == [.succeeded: 40] }
            }
        }
    }

    @Test("Retries are made although new deliveries never cease")
    func noStarvation() async throws {
        try await withQueue { fixture in
            let retries = try await fixture.pushRetries(times: 100)
            let sent = SentLog()
            let worker = fixture.worker { claimed in
                sent.note(claimed)
                return .success
            }
            try await fixture.running([worker, fixture.promoter()]) {
                while !retries.isSubset(of: sent.counts.keys) {
                    try await fixture.queue.push(fixture.fire(times: 5))
                }
            }
            #expect(sent.total == sent.counts.count)
        }
    }
}

/// Lets nobody through until it is opened.
private final class Gate: Sendable {
    private let state = Mutex((isOpen: false, waiting: [CheckedContinuation<Void, Never>]()))

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
