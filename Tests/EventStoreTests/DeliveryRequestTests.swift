import ActionModel
import EventModel
import EventStore
import PostgresWire
import Runtime
import TestKit
import Testing
import TriggerEngine

@Suite("Deliveries are brought back, called off and purged")
struct DeliveryRequestTests {
    private let success = AttemptRecord(AttemptResult(statusCode: 200, body: [], durationMicroseconds: 1))
    private let failure = AttemptRecord(AttemptResult(statusCode: 500, body: [], durationMicroseconds: 1))

    private func dead(_ stores: StoreFixture, _ ids: [UniqueID]) async throws {
        for claimed in try await stores.deliveries.claim(ids) {
            try await stores.deliveries.finish(claimed, .dead(reason: "test"), after: failure)
        }
    }

    @Test("A dead one has another attempt, under its id and with what is known of the attempts before")
    func retry() async throws {
        try await withStores { stores in
            let log = DeliveryStore(pool: stores.gateway)
            let id = try await stores.fire(stores.makeTrigger(attempts: 1), on: stores.makeEvent())[0].id
            try await dead(stores, [id])
            guard case .done(let ready) = try await log.retry(id, organizationID: stores.organization) else {
                throw EventStoreError(.unexpected, "it was not brought back")
            }
            #expect(ready.status == .ready && ready.attempt == 1 && ready.maxAttempts == 2 && ready.finishedAt == nil)
            let claimed = try #require(await stores.deliveries.claim([id]).first)
            #expect(claimed.delivery.attempt == 2)
            guard case .refused(let running) = try await log.retry(id, organizationID: stores.organization) else {
                throw EventStoreError(.unexpected, "it was brought back while it ran")
            }
            #expect(running.status == .running)
            try await stores.deliveries.finish(claimed, .succeeded, after: success)
            #expect(try await stores.attempts(of: id).map(\.number) == [1, 2])
            guard case .refused = try await log.retry(id, organizationID: stores.organization) else {
                throw EventStoreError(.unexpected, "it was brought back although it had arrived")
            }
        }
    }

    @Test("One that waits for its next attempt is tried at once")
    func retryScheduled() async throws {
        try await withStores { stores in
            let id = try await stores.fire(stores.makeTrigger(), on: stores.makeEvent())[0].id
            let claimed = try #require(await stores.deliveries.claim([id]).first)
            try await stores.deliveries.finish(
                claimed, .scheduled(afterMicroseconds: 3_600_000_000, reason: "later"), after: failure)
            _ = try await DeliveryStore(pool: stores.gateway).retry(id, organizationID: stores.organization)
            let again = try #require(await stores.deliveries.claim([id]).first)
            #expect(again.delivery.attempt == 2 && again.delivery.maxAttempts == 3)
        }
    }

    @Test("Calling off ends what waits, and what runs: its worker's report is refused, its attempt logged")
    func cancel() async throws {
        try await withStores { stores in
            let log = DeliveryStore(pool: stores.gateway)
            let ids = try await stores.fire(stores.makeTrigger(), on: stores.makeEvent(), times: 2).map(\.id)
            let running = try #require(await stores.deliveries.claim([ids[0]]).first)
            for id in ids {
                guard case .done(let cancelled) = try await log.cancel(id, organizationID: stores.organization) else {
                    throw EventStoreError(.unexpected, "it was not called off")
                }
                #expect(cancelled.status == .cancelled && cancelled.finishedAt != nil)
                guard case .refused = try await log.cancel(id, organizationID: stores.organization) else {
                    throw EventStoreError(.unexpected, "it was called off twice")
                }
            }
            #expect(try await stores.deliveries.finish(running, .succeeded, after: success) == false)
            #expect(try await stores.deliveries.claim(ids).isEmpty)
            #expect(try await stores.attempts(of: ids[0]).map(\.number) == [1])
            #expect(try await stores.attempts(of: ids[1]).isEmpty)
            _ = try await log.retry(ids[0], organizationID: stores.organization)
            #expect(try await stores.deliveries.claim(ids).first?.delivery.attempt == 2)
        }
    }

    @Test("Purging deletes what is dead and matches, with its attempts, and nothing else, so many at a time")
    func purge() async throws {
        try await withStores { stores in
            let log = DeliveryStore(pool: stores.gateway)
            let trigger = try await stores.makeTrigger()
            let ids = try await stores.fire(trigger, on: stores.makeEvent(), times: 6).map(\.id)
            let others = try await stores.fire(stores.makeTrigger("other"), on: stores.makeEvent(), times: 2).map(\.id)
            try await dead(stores, Array(ids[..<4]) + others)
            _ = try await log.cancel(ids[4], organizationID: stores.organization)
            let filter = DeliveryFilter(status: .dead, triggerID: trigger.id)
            let purge = { (limit: Int) in
                try await log.purge(organizationID: stores.organization, filter: filter, limit: limit)
            }
            #expect(try await purge(3) == 3)
            #expect(try await purge(3) == 1)
            #expect(try await purge(3) == 0)
            let left = try await log.list(organizationID: stores.organization, limit: 10)
            #expect(Set(left.map(\.id)) == Set(ids[4...] + others))
            #expect(try await stores.owner.query(.count("attempts"))[0].decode(0, as: Int64.self) == 2)
            let cancelled = try await log.purge(
                organizationID: stores.organization, filter: DeliveryFilter(status: .cancelled), limit: 9)
            #expect(cancelled == 1)
        }
    }

    @Test("Another organization's deliveries are out of reach")
    func tenancy() async throws {
        try await withStores { stores in
            let log = DeliveryStore(pool: stores.gateway)
            let id = try await stores.fire(stores.makeTrigger(), on: stores.makeEvent())[0].id
            try await dead(stores, [id])
            let stranger = try await stores.makeOrganization()
            #expect(try await log.retry(id, organizationID: stranger) == nil)
            #expect(try await log.cancel(id, organizationID: stranger) == nil)
            #expect(try await log.purge(organizationID: stranger, filter: DeliveryFilter(), limit: 9) == 0)
            #expect(try await stores.status(of: id) == .dead)
            // Nor does a statement that forgets whose they are reach what has not come to nothing.
            let succeeded = try await stores.fire(stores.makeTrigger("b"), on: stores.makeEvent())[0].id
            let claimed = try #require(await stores.deliveries.claim([succeeded]).first)
            try await stores.deliveries.finish(claimed, .succeeded, after: success)
            try await stores.gateway.withTransaction(organization: stores.organization) {
                try await $0.execute(script: "DELETE FROM deliveries")
            }
            #expect(try await stores.status(of: succeeded) == .succeeded)
            #expect(try await stores.status(of: id) == nil)
        }
    }
}
