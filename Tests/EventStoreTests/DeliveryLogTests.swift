import ActionModel
import EventModel
import EventStore
import PostgresWire
import Runtime
import TestKit
import Testing
import TriggerEngine

@Suite("Deliveries are shown to their organization")
struct DeliveryLogTests {
    private let gone = AttemptRecord(AttemptResult(statusCode: 410, body: [], durationMicroseconds: 1_000))

    @Test("An action that is gone is disabled in its version: what waits is cancelled, and so is what comes")
    func disable() async throws {
        try await withStores { stores in
            let trigger = try await stores.makeTrigger(actions: 2)
            let event = try await stores.makeEvent()
            let ready = try await stores.fire(trigger, on: event, times: 3)
            let claimed = try #require(await stores.deliveries.claim([ready[0].id]).first)
            _ = try await stores.owner.query(
                PostgresStatement(
                    "test_put_off", "UPDATE deliveries SET put_off = 'breaker', next_attempt_reason = 'it is open'"))
            #expect(try await stores.deliveries.finish(claimed, .disabled(reason: "410 Gone"), after: gone))
            let all = try await DeliveryStore(pool: stores.gateway).list(
                organizationID: stores.organization, limit: 20)
            let disabled = all.filter { $0.actionIndex == claimed.delivery.actionIndex }
            #expect(disabled.map(\.status).sorted { $0.rawValue < $1.rawValue } == [.cancelled, .cancelled, .dead])
            #expect(disabled.allSatisfy { $0.finishedAt != nil && $0.lastError?.contains("410 Gone") == true })
            #expect(disabled.allSatisfy { $0.nextAttemptReason == nil && $0.putOff == nil })
            #expect(all.filter { $0.actionIndex != claimed.delivery.actionIndex }.allSatisfy { $0.status == .ready })
            // The other action goes on; the disabled one makes no more work, until there is a new version.
            #expect(try await stores.fire(trigger, on: event).count == 1)
            let noted = try await stores.triggers.disabledActions(of: trigger)
            #expect(noted == [claimed.delivery.actionIndex: "410 Gone"])
            let next = try #require(
                await stores.triggers.replace(trigger.id, organizationID: stores.organization) { _ in
                    try definition("Mended", actions: 2)
                })
            #expect(try await stores.fire(next, on: event).count == 2)
        }
    }

    @Test("A delivery whose event is gone is buried with that reason")
    func eventGone() async throws {
        try await withStores { stores in
            let ready = try await stores.fire(stores.makeTrigger(), on: stores.makeEvent())
            _ = try await stores.owner.query(PostgresStatement("test_forget", "DELETE FROM events"))
            #expect(try await stores.deliveries.claim(ready.map(\.id)).isEmpty)
            let delivery = try await DeliveryStore(pool: stores.gateway).delivery(
                ready[0].id, organizationID: stores.organization)
            #expect(delivery?.status == .dead && delivery?.lastError == "the event is no longer stored")
            #expect(try await stores.attempts(of: ready[0].id).count == 1)
        }
    }

    @Test("A list is narrowed by each of its filters, and its pages follow each other")
    func filters() async throws {
        try await withStores { stores in
            let (first, second) = (try await stores.makeTrigger("First"), try await stores.makeTrigger("Second"))
            let (early, late) = (try await stores.makeEvent(), try await stores.makeEvent())
            let ones = try await stores.fire(first, on: early, times: 3)
            let others = try await stores.fire(second, on: late, times: 2)
            _ = try await stores.deliveries.claim([others[0].id])
            let log = DeliveryStore(pool: stores.gateway)
            func ids(_ filter: DeliveryFilter, after: UniqueID? = nil, limit: Int = 10) async throws -> [UniqueID] {
                try await log.list(
                    organizationID: stores.organization, filter: filter, limit: limit, after: after
                ).map(\.id)
            }
            #expect(try await Set(ids(DeliveryFilter(triggerID: first.id))) == Set(ones.map(\.id)))
            #expect(try await Set(ids(DeliveryFilter(eventID: late.id))) == Set(others.map(\.id)))
            #expect(try await ids(DeliveryFilter(status: .running)) == [others[0].id])
            #expect(try await ids(DeliveryFilter(kind: .telegram)).isEmpty)
            #expect(try await ids(DeliveryFilter(kind: .rest, from: .now())).isEmpty)
            #expect(try await ids(DeliveryFilter(from: Timestamp(microseconds: 0), to: .now())).count == 5)
            var seen: [UniqueID] = []
            while case let page = try await ids(DeliveryFilter(), after: seen.last, limit: 2), !page.isEmpty {
                seen += page
            }
            #expect(seen == (ones + others).map(\.id).sorted(by: >))
        }
    }

    @Test("An organization sees nothing of the firings, deliveries and attempts of another")
    func tenants() async throws {
        try await withStores { stores in
            let ready = try await stores.fire(stores.makeTrigger(), on: stores.makeEvent())
            let claimed = try #require(await stores.deliveries.claim(ready.map(\.id)).first)
            _ = try await stores.deliveries.finish(claimed, .disabled(reason: "410 Gone"), after: gone)
            let other = try await stores.makeOrganization()
            let log = DeliveryStore(pool: stores.gateway)
            #expect(try await log.list(organizationID: other, limit: 10).isEmpty)
            #expect(try await log.delivery(ready[0].id, organizationID: other) == nil)
            #expect(try await log.attempts(of: ready[0].id, organizationID: other).isEmpty)
            for table: StaticString in ["firings", "deliveries", "attempts", "disabled_actions"] {
                func visible(to organization: UniqueID?) async throws -> Int64 {
                    try await stores.gateway.withTransaction(organization: organization) {
                        try await $0.query(.count(table))
                    }[0].decode(0)
                }
                #expect(try await visible(to: stores.organization) == 1, "\(table)")
                #expect(try await visible(to: other) == 0, "\(table)")
                #expect(try await visible(to: nil) == 0, "\(table)")
            }
            let write = await #expect(throws: PostgresError.self) {
                try await stores.gateway.withTransaction(organization: stores.organization) {
                    try await $0.query(PostgresStatement("test_write", "UPDATE deliveries SET event_id = id"))
                }
            }
            #expect(write?.sqlState == "42501")
        }
    }
}
