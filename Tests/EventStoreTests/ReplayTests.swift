import ActionModel
import EventModel
import EventStore
import PostgresWire
import Runtime
import TestKit
import Testing
import TriggerEngine

@Suite("Replays make deliveries again")
struct ReplayTests {
    private static let lease = Duration.seconds(60)

    /// A replay as a processor works on it, to its end.
    private func run(
        _ source: NewReplay.Source, in stores: StoreFixture, limit: Int = 500,
        _ change: (inout NewReplay) -> Void = { _ in }
    ) async throws -> Replay {
        let replay = try await create(source, in: stores, change)
        let worker = ReplayStore(pool: stores.pipeline)
        let work = try #require(await worker.claim(lease: Self.lease))
        let triggers = TriggerStore(pool: stores.pipeline, keyring: stores.keyring, logger: testLogger)
        while let step = try await worker.step(work, limit: limit, triggers: triggers, lease: Self.lease) {
            if step.isLast { break }
        }
        try await worker.finish(work)
        return try #require(
            await ReplayStore(pool: stores.gateway).replay(replay.id, organizationID: stores.organization))
    }

    private func create(
        _ source: NewReplay.Source, in stores: StoreFixture, _ change: (inout NewReplay) -> Void = { _ in }
    ) async throws -> Replay {
        // What is made in this millisecond lies before the end of the replay.
        try await Task.sleep(for: .milliseconds(2))
        var order = NewReplay(source, request: Array(#"{"test": true}"#.utf8))
        change(&order)
        return try await ReplayStore(pool: stores.gateway).create(order, organizationID: stores.organization)
    }

    private func end(_ stores: StoreFixture, _ ids: [UniqueID], _ outcome: DeliveryOutcome) async throws {
        let record = AttemptRecord(AttemptResult(statusCode: 500, body: [], durationMicroseconds: 1))
        for claimed in try await stores.deliveries.claim(ids) {
            try await stores.deliveries.finish(claimed, outcome, after: record)
        }
    }

    private func made(by replay: Replay, _ stores: StoreFixture) async throws -> [Delivery] {
        try await DeliveryStore(pool: stores.gateway).list(
            organizationID: stores.organization, filter: DeliveryFilter(replayID: replay.id), limit: 1_000)
    }

    @Test("Each dead delivery is made again under an id of its own, once, and says which it repeats")
    func dead() async throws {
        try await withStores { stores in
            let event = try await stores.makeEvent()
            let trigger = try await stores.makeTrigger(actions: 2)
            let ids = try await stores.fire(trigger, on: event, times: 25).map(\.id)
            try await end(stores, Array(ids[..<40]), .dead(reason: "test"))
            try await end(stores, Array(ids[40..<45]), .succeeded)
            let replay = try await run(.deliveries(DeliveryFilter(status: .dead)), in: stores, limit: 7)
            #expect(replay.status == .succeeded && replay.progress == 1 && replay.total == 40)
            #expect(replay.found == 40 && replay.made == 40 && replay.skipped == 0)
            let made = try await made(by: replay, stores)
            #expect(made.count == 40 && Set(made.compactMap(\.replayOf)) == Set(ids[..<40]))
            #expect(made.allSatisfy { $0.status == .ready && $0.attempt == 0 && $0.eventID == event.id })
            #expect(try await stores.deliveries.claim(made.map(\.id)).count == 40)
            // Again nothing is left to repeat, unless that is asked for.
            #expect(try await run(.deliveries(DeliveryFilter(status: .dead)), in: stores).made == 0)
            let again = try await run(.deliveries(DeliveryFilter(status: .dead)), in: stores) { $0.again = true }
            #expect(again.made == 40)
            let originals = try await DeliveryStore(pool: stores.gateway).list(
                organizationID: stores.organization, filter: DeliveryFilter(status: .dead, isReplayed: true), limit: 99)
            #expect(originals.count == 40 && originals.allSatisfy { $0.replayedAs != nil })
        }
    }

    @Test("Only what matches is made again: trigger, event, time, type, and never what is on its way")
    func filters() async throws {
        try await withStores { stores in
            let (one, two) = (try await stores.makeTrigger("one"), try await stores.makeTrigger("two"))
            let (event, other) = (try await stores.makeEvent(), try await stores.makeEvent())
            let ids = try await [
                stores.fire(one, on: event, times: 2), stores.fire(two, on: event, times: 3),
                stores.fire(one, on: other, times: 4),
            ].flatMap { $0.map(\.id) }
            try await end(stores, ids, .dead(reason: "test"))
            _ = try await stores.fire(one, on: event, times: 5)
            func count(_ filter: DeliveryFilter) async throws -> Int64 {
                try await run(.deliveries(filter), in: stores) { $0.again = true }.made
            }
            let before = Timestamp.now()
            #expect(try await count(DeliveryFilter(triggerID: one.id, to: before)) == 6)
            #expect(try await count(DeliveryFilter(eventID: event.id, to: before)) == 5)
            #expect(try await count(DeliveryFilter(status: .dead, triggerID: two.id, eventID: event.id)) == 3)
            #expect(try await count(DeliveryFilter(status: .dead, kind: .telegram)) == 0)
            #expect(try await count(DeliveryFilter(status: .succeeded)) == 0)
            #expect(try await count(DeliveryFilter(status: .dead, from: before)) == 0)
            let stranger = try await stores.makeOrganization()
            let foreign = try await ReplayStore(pool: stores.gateway).create(
                NewReplay(.deliveries(DeliveryFilter(status: .dead)), request: Array("{}".utf8)),
                organizationID: stranger)
            let worker = ReplayStore(pool: stores.pipeline)
            let work = try #require(await worker.claim(lease: Self.lease))
            let step = try await worker.step(work, limit: 9, triggers: stores.triggers, lease: Self.lease)
            #expect(work.id == foreign.id && step?.ready.isEmpty == true && step?.isLast == true)
        }
    }

    @Test("The actions are those of the version that fired, or, when asked, those of the current one")
    func versions() async throws {
        try await withStores { stores in
            let trigger = try await stores.makeTrigger(actions: 2, attempts: 3)
            let ids = try await stores.fire(trigger, on: stores.makeEvent()).map(\.id)
            try await end(stores, ids, .dead(reason: "test"))
            _ = try await stores.triggers.replace(trigger.id, organizationID: stores.organization) { _ in
                try definition("Large payment", actions: 1, attempts: 9)
            }
            let fired = try await run(.deliveries(DeliveryFilter(status: .dead)), in: stores)
            let first = try await made(by: fired, stores)
            #expect(first.count == 2 && first.allSatisfy { $0.triggerVersion == 1 && $0.maxAttempts == 3 })
            let current = try await run(.deliveries(DeliveryFilter(status: .dead)), in: stores) {
                ($0.version, $0.again) = (.current, true)
            }
            // The second action is there no more.
            #expect(current.made == 1 && current.skipped == 1)
            let second = try await made(by: current, stores)
            #expect(second.allSatisfy { $0.triggerVersion == 2 && $0.maxAttempts == 9 && $0.actionIndex == 0 })
            _ = try await stores.triggers.delete(trigger.id, organizationID: stores.organization)
            let gone = try await run(.deliveries(DeliveryFilter(status: .dead)), in: stores) {
                ($0.version, $0.again) = (.current, true)
            }
            #expect(gone.made == 0 && gone.skipped == 2)
        }
    }

    @Test("Nothing is made of an event that is gone, or for a receiver that has ended the action")
    func skipped() async throws {
        try await withStores { stores in
            let (one, two) = (try await stores.makeTrigger("one"), try await stores.makeTrigger("two"))
            let (event, gone) = (try await stores.makeEvent(), try await stores.makeEvent())
            let ended = try await stores.fire(one, on: event, times: 2).map(\.id)
            let record = AttemptRecord(AttemptResult(statusCode: 410, body: [], durationMicroseconds: 1))
            let claimed = try #require(await stores.deliveries.claim(ended).first)
            try await stores.deliveries.finish(claimed, .disabled(reason: "410 Gone"), after: record)
            try await end(stores, stores.fire(two, on: gone).map(\.id), .dead(reason: "test"))
            _ = try await stores.owner.query(
                PostgresStatement("test_gone", "DELETE FROM events WHERE id = $1"), [.uuid(gone.id)])
            let replay = try await run(.deliveries(DeliveryFilter(status: .dead)), in: stores)
            #expect(replay.found == 2 && replay.made == 0 && replay.skipped == 2)
        }
    }

    @Test("Events run the actions of their firings again, those that have arrived included")
    func events() async throws {
        try await withStores { stores in
            let (one, two) = (try await stores.makeTrigger("one", actions: 2), try await stores.makeTrigger("two"))
            let (event, other) = (try await stores.makeEvent(), try await stores.makeEvent())
            let arrived = try await stores.fire(one, on: event).map(\.id)
            try await end(stores, arrived, .succeeded)
            _ = try await stores.fire(two, on: event)
            _ = try await stores.fire(one, on: other)
            func count(_ range: NewReplay.EventRange, _ trigger: UniqueID? = nil) async throws -> Replay {
                try await run(.firings(range, triggerID: trigger), in: stores, limit: 1)
            }
            let whole = try await count(NewReplay.EventRange(id: event.id))
            #expect(whole.total == 2 && whole.found == 2 && whole.made == 3)
            #expect(Set(try await made(by: whole, stores).compactMap(\.replayOf)).isSuperset(of: arrived))
            #expect(try await count(NewReplay.EventRange(id: event.id), two.id).made == 1)
            let from = event.receivedAt
            #expect(try await count(NewReplay.EventRange(from: from)).made == 5)
            #expect(try await count(NewReplay.EventRange(type: "PaymentProcessed", from: from), one.id).made == 4)
            #expect(try await count(NewReplay.EventRange(type: "Other", from: from)).made == 0)
            #expect(try await count(NewReplay.EventRange(from: from, to: from)).made == 0)
        }
    }

    @Test("Whoever takes a replay over goes on where the last step ended: nothing twice, nothing left out")
    func takeover() async throws {
        try await withStores { stores in
            let ids = try await stores.fire(stores.makeTrigger(), on: stores.makeEvent(), times: 30).map(\.id)
            try await end(stores, ids, .dead(reason: "test"))
            let replay = try await create(.deliveries(DeliveryFilter(status: .dead)), in: stores)
            let worker = ReplayStore(pool: stores.pipeline)
            let first = try #require(await worker.claim(lease: .zero))
            _ = try await worker.step(first, limit: 10, triggers: stores.triggers, lease: .zero)
            let second = try #require(await worker.claim(lease: Self.lease))
            #expect(try await worker.step(first, limit: 10, triggers: stores.triggers, lease: Self.lease) == nil)
            while let step = try await worker.step(second, limit: 10, triggers: stores.triggers, lease: Self.lease) {
                if step.isLast { break }
            }
            try await worker.finish(first)
            let running = try await ReplayStore(pool: stores.gateway).replay(
                replay.id, organizationID: stores.organization)
            #expect(running?.status == .running)
            try await worker.finish(second)
            #expect(Set(try await made(by: replay, stores).compactMap(\.replayOf)) == Set(ids))
        }
    }

    @Test("A cancelled replay makes no more; one on which processors end is given up; only so many are open and kept")
    func bounds() async throws {
        try await withStores { stores in
            let asker = ReplayStore(pool: stores.gateway)
            let worker = ReplayStore(pool: stores.pipeline)
            let everything = NewReplay.Source.deliveries(DeliveryFilter(status: .dead))
            let first = try await create(everything, in: stores)
            let work = try #require(await worker.claim(lease: Self.lease))
            let cancelled = try await asker.cancel(first.id, organizationID: stores.organization)
            #expect(cancelled?.status == .cancelled)
            #expect(try await worker.step(work, limit: 1, triggers: stores.triggers, lease: Self.lease) == nil)
            #expect(try await worker.claim(lease: Self.lease) == nil)

            let doomed = try await create(everything, in: stores)
            for _ in 0..<ReplayStore.maximumAttempts { #expect(try await worker.claim(lease: .zero) != nil) }
            #expect(try await worker.claim(lease: .zero) == nil)
            let failed = try await asker.replay(doomed.id, organizationID: stores.organization)
            #expect(failed?.status == .failed && failed?.error?.isEmpty == false)

            for _ in 0..<ReplayStore.maximumOpen { _ = try await create(everything, in: stores) }
            let error = await #expect(throws: EventStoreError.self) { try await create(everything, in: stores) }
            #expect(error?.code == .conflict)
            // The next free processor takes one of the organization that has none under way.
            _ = try await worker.claim(lease: Self.lease)
            let stranger = try await stores.makeOrganization()
            let other = try await asker.create(
                NewReplay(everything, request: Array("{}".utf8)), organizationID: stranger)
            #expect(try await worker.claim(lease: Self.lease)?.id == other.id)
        }
    }
}
