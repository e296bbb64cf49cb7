import ActionModel
import EventModel
import EventStore
import JSONTree
import PostgresWire
import TestKit
import Testing
import TriggerEngine

@Suite("Deliveries are claimed by one worker at a time")
struct DeliveryStoreTests {
    private let success = AttemptRecord(AttemptResult(statusCode: 200, body: "ok".utf8, durationMicroseconds: 12_000))
    private let failure = AttemptRecord(
        AttemptResult(failure: .timeout, error: "timed out", durationMicroseconds: 5_000_000), request: "POST /hook")

    @Test("A firing makes one ready delivery for each action, in the transaction that it is written in")
    func firing() async throws {
        try await withStores { stores in
            let trigger = try await stores.makeTrigger(actions: 3)
            let event = try await stores.makeEvent()
            struct Undo: Error {}
            await #expect(throws: Undo.self) {
                try await stores.pipeline.withTransaction {
                    let ready = try await FiringWriter().insert(
                        [NewFiring(trigger: trigger, event: EventReference(event))], on: $0)
                    #expect(ready.count == 3)
                    throw Undo()
                }
            }
            #expect(try await stores.owner.query(.count("deliveries"))[0].decode(0, as: Int64.self) == 0)
            let ready = try await stores.fire(trigger, on: event)
            #expect(ready.map(\.kind) == [.rest, .rest, .rest])
            let stored = try await DeliveryStore(pool: stores.gateway).list(
                organizationID: stores.organization, limit: 10)
            #expect(Set(stored.map(\.id)) == Set(ready.map(\.id)))
            #expect(stored.allSatisfy { $0.status == .ready && $0.attempt == 0 && $0.maxAttempts == 3 })
            #expect(Set(stored.map(\.actionIndex)) == [0, 1, 2] && Set(stored.map(\.firingID)).count == 1)
            #expect(stored.allSatisfy { $0.createdAt == Timestamp(milliseconds: $0.id.timestampMilliseconds) })
        }
    }

    @Test("A claim brings the action in the version that fired, and the event")
    func claimBringsAll() async throws {
        try await withStores { stores in
            let trigger = try await stores.makeTrigger()
            let event = try await stores.makeEvent()
            let ready = try await stores.fire(trigger, on: event)
            _ = try await stores.triggers.replace(trigger.id, organizationID: stores.organization) { _ in
                try definition("Renamed since", attempts: 7)
            }
            let claimed = try #require(await stores.deliveries.claim(ready.map(\.id)).first)
            #expect(claimed.delivery.status == .running && claimed.delivery.attempt == 1)
            #expect(claimed.firing.triggerName == "Large payment" && claimed.firing.triggerVersion == 1)
            #expect(claimed.firing.event.event.id == event.id && claimed.firing.event.event.subject == "customer-7")
            #expect(claimed.firing.event.data["amount"]?.int64 == 1250)
            #expect(claimed.action.retry.maxAttempts == 3)
            guard case .rest(let rest) = claimed.action.config else { throw EventStoreError(.unexpected, "not rest") }
            #expect(rest.signingSecrets == [signingSecret])
        }
    }

    @Test("Eight workers that are given the same ids, doubled, claim each once")
    func exclusive() async throws {
        try await withStores { stores in
            let trigger = try await stores.makeTrigger()
            let event = try await stores.makeEvent()
            let ids = try await stores.fire(trigger, on: event, times: 100).map(\.id)
            let claims = try await withThrowingTaskGroup { group in
                for _ in 0..<8 {
                    group.addTask {
                        var mine: [UniqueID] = []
                        let shuffled = (ids + ids).shuffled()
                        for start in stride(from: 0, to: shuffled.count, by: 16) {
                            let batch = Array(shuffled[start..<min(start + 16, shuffled.count)])
                            mine += try await stores.deliveries.claim(batch).map(\.delivery.id)
                        }
                        return mine
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(claims.count == ids.count && Set(claims) == Set(ids))
        }
    }

    @Test("A lease that ran out is another worker's, and what the first one reports is refused")
    func staleWorker() async throws {
        try await withStores { stores in
            let ready = try await stores.fire(stores.makeTrigger(), on: stores.makeEvent())
            let slow = try #require(await stores.deliveries.claim(ready.map(\.id), leaseSeconds: 0).first)
            #expect(try await stores.deliveries.expireLeases(limit: 10) == ready)
            let lost = try #require(await stores.attempts(of: ready[0].id).first)
            #expect(
                lost.nextAttemptReason == "attempt 2 of 3: at once, because the worker did not finish this attempt")
            let log = DeliveryStore(pool: stores.gateway)
            let freed = try #require(await log.delivery(ready[0].id, organizationID: stores.organization))
            #expect(freed.nextAttemptReason == lost.nextAttemptReason && freed.runAt == lost.nextAttemptAt)
            let next = try #require(await stores.deliveries.claim(ready.map(\.id)).first)
            #expect(next.delivery.attempt == 2)
            #expect(try await stores.deliveries.heartbeat([slow.lease, next.lease]) == [next.delivery.id])
            #expect(try await stores.deliveries.finish(slow, .dead(reason: "late"), after: failure) == false)
            #expect(try await stores.deliveries.finish(next, .succeeded, after: success))
            #expect(try await stores.deliveries.finish(next, .succeeded, after: success) == false)
            #expect(try await stores.status(of: ready[0].id) == .succeeded)
            let attempts = try await stores.attempts(of: ready[0].id)
            #expect(attempts.map(\.number) == [1, 2])
            #expect(attempts[0].error == "the worker did not finish this attempt" && attempts[1].statusCode == 200)
        }
    }

    @Test("A job that ends its worker every time is dead after its last attempt")
    func poison() async throws {
        try await withStores { stores in
            let ready = try await stores.fire(stores.makeTrigger(attempts: 2), on: stores.makeEvent())
            for _ in 0..<2 {
                #expect(try await stores.deliveries.claim(ready.map(\.id), leaseSeconds: 0).count == 1)
                _ = try await stores.deliveries.expireLeases(limit: 10)
            }
            let log = DeliveryStore(pool: stores.gateway)
            let dead = try #require(await log.delivery(ready[0].id, organizationID: stores.organization))
            #expect(dead.status == .dead && dead.nextAttemptReason == nil)
            let attempts = try await stores.attempts(of: ready[0].id)
            #expect(attempts.count == 2 && attempts[1].nextAttemptAt == nil && attempts[1].nextAttemptReason == nil)
            #expect(try await stores.deliveries.claim(ready.map(\.id)).isEmpty)
        }
    }

    @Test("A heartbeat keeps a lease alive")
    func heartbeat() async throws {
        try await withStores { stores in
            let ready = try await stores.fire(stores.makeTrigger(), on: stores.makeEvent())
            let claimed = try #require(await stores.deliveries.claim(ready.map(\.id), leaseSeconds: 0).first)
            #expect(try await stores.deliveries.heartbeat([claimed.lease]) == [ready[0].id])
            #expect(try await stores.deliveries.expireLeases(limit: 10).isEmpty)
        }
    }

    @Test("What is put off comes back with its attempt uncounted")
    func putOff() async throws {
        try await withStores { stores in
            let ready = try await stores.fire(stores.makeTrigger(), on: stores.makeEvent())
            let claimed = try #require(await stores.deliveries.claim(ready.map(\.id)).first)
            let putOff = PutOffDelivery(
                claimed.lease, delayMicroseconds: 0, cause: .rateLimit, reason: "1 per 1m is used up")
            try await stores.deliveries.putOff([putOff])
            let log = DeliveryStore(pool: stores.gateway)
            let shown = try #require(await log.delivery(ready[0].id, organizationID: stores.organization))
            #expect(shown.status == .scheduled && shown.attempt == 0 && shown.putOff == .rateLimit)
            #expect(shown.nextAttemptReason == "1 per 1m is used up")
            #expect(try await stores.deliveries.promote(limit: 10) == ready)
            let again = try #require(await stores.deliveries.claim(ready.map(\.id)).first)
            #expect(again.delivery.attempt == 1 && again.delivery.putOff == .rateLimit)
            #expect(try await stores.attempts(of: ready[0].id).isEmpty)
            // An attempt ends it.
            _ = try await stores.deliveries.finish(again, .succeeded, after: success)
            let done = try #require(await log.delivery(ready[0].id, organizationID: stores.organization))
            #expect(done.putOff == nil && done.nextAttemptReason == nil)
        }
    }

    @Test("Parts of a message that have arrived are noted by whoever holds the delivery, and outlast its attempts")
    func parts() async throws {
        try await withStores { stores in
            let ready = try await stores.fire(stores.makeTrigger(), on: stores.makeEvent())
            let claimed = try #require(await stores.deliveries.claim(ready.map(\.id)).first)
            #expect(claimed.delivery.partsSent == 0)
            #expect(try await stores.deliveries.noteParts(1, of: claimed.lease))
            #expect(try await stores.deliveries.noteParts(2, of: claimed.lease))
            let outcome = DeliveryOutcome.scheduled(afterMicroseconds: 0, reason: "502", because: "step 1")
            try await stores.deliveries.finish(claimed, outcome, after: success)
            #expect(try await stores.deliveries.noteParts(5, of: claimed.lease) == false)
            #expect(try await stores.deliveries.promote(limit: 10) == ready)
            let again = try #require(await stores.deliveries.claim(ready.map(\.id)).first)
            #expect(again.delivery.partsSent == 2)
            var writer = JSONWriter()
            again.delivery.write(to: &writer)
            #expect(try JSONDocument(writer.bytes).root["parts_sent"]?.int64 == 2)
        }
    }

    @Test("An attempt is kept with its request, its answer, its times and why the next is when it is")
    func details() async throws {
        try await withStores { stores in
            let ready = try await stores.fire(stores.makeTrigger(), on: stores.makeEvent())
            let claimed = try #require(await stores.deliveries.claim(ready.map(\.id)).first)
            #expect(claimed.delivery.endpoint == "http://127.0.0.1:9" && claimed.breaker == .closed)
            var result = AttemptResult(statusCode: 503, body: "busy".utf8, durationMicroseconds: 12_000)
            result.details = AttemptDetails(
                method: "POST", url: "http://127.0.0.1:9/hook", requestHeaders: [.init("Webhook-Id", "1\02")],
                responseHeaders: [.init("retry-after", "7")], address: "127.0.0.1",
                timings: AttemptTimings(dns: 5, connect: 40, firstByte: 900, total: 1_200))
            _ = try await stores.deliveries.finish(
                claimed, .scheduled(afterMicroseconds: 60_000_000, reason: "503", because: "asked for 7 s"),
                after: AttemptRecord(result))
            let attempt = try #require(await stores.attempts(of: ready[0].id).first)
            let details = try JSONDocument(try #require(attempt.details)).root
            #expect(details["method"]?.string == "POST" && details["url"]?.string == "http://127.0.0.1:9/hook")
            #expect(details["request_headers"]?[0]?["value"]?.string == "1 2")
            #expect(details["response_headers"]?[0]?["name"]?.string == "retry-after")
            #expect(details["timings"]?["connect_us"]?.int64 == 40 && details["timings"]?["tls_us"]?.isNull == true)
            #expect(attempt.nextAttemptReason == "asked for 7 s")
            let log = DeliveryStore(pool: stores.gateway)
            let delivery = try #require(await log.delivery(ready[0].id, organizationID: stores.organization))
            #expect(attempt.nextAttemptAt == delivery.runAt && delivery.nextAttemptReason == "asked for 7 s")
            var writer = JSONWriter()
            delivery.write(to: &writer, attempts: [attempt])
            let shown = try JSONDocument(writer.bytes).root
            #expect(shown["attempts"]?[0]?["details"]?["address"]?.string == "127.0.0.1")
            #expect(shown["next_attempt_reason"]?.string == "asked for 7 s")
        }
    }

    @Test("Attempts that end together are ended each by its own lease, and one that can't be stored harms no other")
    func togetherEnded() async throws {
        try await withStores { stores in
            let ready = try await stores.fire(stores.makeTrigger(), on: stores.makeEvent(), times: 5)
            let late = try await stores.deliveries.claim([ready[2].id], leaseSeconds: 0)
            _ = try await stores.deliveries.expireLeases(limit: 10)
            var claimed = try await stores.deliveries.claim([0, 1, 3, 4].map { ready[$0].id })
            claimed.sort { $0.delivery.id < $1.delivery.id }
            claimed.insert(late[0], at: 2)
            // PostgreSQL stores no text with a zero byte.
            let unstorable = AttemptRecord(success.result, request: "\0")
            let answer = try await stores.deliveries.finish([
                EndedAttempt(claimed[0].lease, .succeeded, after: success),
                EndedAttempt(
                    claimed[1].lease, .scheduled(afterMicroseconds: 1_000_000, reason: "503"), after: failure),
                EndedAttempt(late[0].lease, .succeeded, after: success),
                EndedAttempt(claimed[3].lease, .succeeded, after: unstorable),
                EndedAttempt(claimed[4].lease, .dead(reason: "gone"), after: failure),
            ])
            #expect(answer.ended == Set([0, 1, 4].map { claimed[$0].delivery.id }))
            #expect(Array(answer.refused.keys) == [claimed[3].delivery.id])
            var statuses: [DeliveryStatus?] = []
            for one in claimed { statuses.append(try await stores.status(of: one.delivery.id)) }
            #expect(statuses == [.succeeded, .scheduled, .ready, .running, .dead])
            #expect(try await stores.attempts(of: claimed[0].delivery.id).map(\.statusCode) == [200])
            #expect(try await stores.attempts(of: claimed[3].delivery.id).isEmpty)
            #expect(try await stores.deliveries.finish([]).ended.isEmpty)
        }
    }

    @Test("A scheduled delivery is promoted when it is due and not before")
    func schedule() async throws {
        try await withStores { stores in
            let ready = try await stores.fire(stores.makeTrigger(), on: stores.makeEvent(), times: 2)
            let claimed = try await stores.deliveries.claim(ready.map(\.id))
            let hour: Int64 = 3_600_000_000
            for (claim, delay) in zip(claimed, [0, hour]) {
                #expect(
                    try await stores.deliveries.finish(
                        claim, .scheduled(afterMicroseconds: delay, reason: "timed out"), after: failure))
            }
            #expect(try await stores.deliveries.promote(limit: 10).map(\.id) == [claimed[0].delivery.id])
            #expect(try await stores.status(of: claimed[1].delivery.id) == .scheduled)
            let attempt = try #require(await stores.attempts(of: claimed[1].delivery.id).first)
            #expect(attempt.error == "timed out" && attempt.durationMilliseconds == 5_000)
            #expect(attempt.request == "POST /hook" && attempt.statusCode == nil)
            let counts = try await stores.deliveries.liveCounts()
            #expect(Set(counts.map(\.status)) == [.ready, .scheduled] && counts.allSatisfy { $0.count == 1 })
        }
    }

    @Test("A ready delivery that nobody popped is an orphan, once in a while")
    func orphans() async throws {
        try await withStores { stores in
            let ready = try await stores.fire(stores.makeTrigger(), on: stores.makeEvent())
            #expect(try await stores.deliveries.orphans(.rest, olderThanSeconds: 60, limit: 10).isEmpty)
            _ = try await stores.owner.query(
                PostgresStatement("test_age", "UPDATE deliveries SET pushed_at = pushed_at - interval '2 minutes'"))
            #expect(try await stores.deliveries.orphans(.telegram, olderThanSeconds: 60, limit: 10).isEmpty)
            #expect(try await stores.deliveries.orphans(.rest, olderThanSeconds: 60, limit: 10) == ready)
            #expect(try await stores.deliveries.orphans(.rest, olderThanSeconds: 60, limit: 10).isEmpty)
        }
    }

    @Test("Without Redis, ready deliveries are claimed by their kind, the oldest first")
    func claimAny() async throws {
        try await withStores { stores in
            let ready = try await stores.fire(stores.makeTrigger(), on: stores.makeEvent(), times: 3)
            #expect(try await stores.deliveries.claimAny(.telegram, limit: 10).isEmpty)
            #expect(try await stores.deliveries.claimAny(.rest, limit: 2).count == 2)
            #expect(try await stores.deliveries.claimAny(.rest, limit: 2).count == 1)
            #expect(try await stores.deliveries.claimAny(.rest, limit: 2).isEmpty)
            #expect(ready.count == 3)
        }
    }
}
