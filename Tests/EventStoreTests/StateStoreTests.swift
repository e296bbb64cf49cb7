import EventModel
import EventStore
import PostgresWire
import Runtime
import TestKit
import Testing
import TriggerEngine

@Suite("States of triggers are rows of the part that is held")
struct StateStoreTests {
    private static let part: Int16 = 3

    private func key(_ trigger: Trigger, _ slot: Int64 = 1, _ group: String = "") -> StateKey {
        StateKey(triggerID: trigger.id, slot: slot, group: Array(group.utf8))
    }

    private func change(
        _ key: StateKey, _ text: String?, due: Timestamp? = nil, expires: Timestamp? = nil
    ) -> StateChange {
        StateChange(key: key, bytes: text.map { Array($0.utf8) }, dueAt: due, expiresAt: expires)
    }

    private func save(_ changes: [StateChange], _ stores: StoreFixture, part: Int16 = part) async throws {
        try await stores.pipeline.withTransaction {
            try await StateStore(pool: stores.pipeline).save([stores.organization: changes], part: part, on: $0)
        }
    }

    private func load(_ keys: [StateKey], _ stores: StoreFixture, part: Int16 = part) async throws -> [StateKey: String]
    {
        try await stores.pipeline.withTransaction {
            try await StateStore(pool: stores.pipeline).load(keys, part: part, on: $0)
        }.mapValues { String(decoding: $0, as: UTF8.self) }
    }

    @Test("What is saved is loaded by its key: of any bytes, replaced, and gone when nothing is left")
    func roundTrip() async throws {
        try await withStores { stores in
            let trigger = try await stores.makeTrigger()
            let (one, two, three) = (key(trigger), key(trigger, 1, "[\"\u{7f}\"]"), key(trigger, -5, "[null]"))
            try await save([change(one, "a"), change(two, "b"), change(three, "c")], stores)
            #expect(try await load([three, one, two], stores) == [one: "a", two: "b", three: "c"])
            try await save([change(one, "d"), change(two, nil)], stores)
            #expect(try await load([one, two, key(trigger, 9), three], stores) == [one: "d", three: "c"])
            #expect(try await load([one], stores, part: 4).isEmpty)
            #expect(try await load([], stores).isEmpty)
        }
    }

    @Test("Due timers come by organization, the first ones first, up to a moment and no further")
    func timers() async throws {
        try await withStores { stores in
            let trigger = try await stores.makeTrigger()
            let store = StateStore(pool: stores.pipeline)
            let base = Timestamp(milliseconds: 1_700_000_000_000)
            func at(_ seconds: Int64) -> Timestamp { Timestamp(microseconds: base.microseconds + seconds * 1_000_000) }
            let keys = (0..<5).map { key(trigger, 1, "[\($0)]") }
            let dues: [Timestamp?] = [at(30), at(10), nil, at(20), at(10)]
            try await save(zip(keys, dues).map { change($0, "s", due: $1) }, stores)
            #expect(try await store.partsWithTimers(dueBefore: .milliseconds(300)) == [Self.part])
            func organizations(_ seconds: Int64) async throws -> [UniqueID] {
                try await stores.pipeline.withTransaction {
                    try await store.organizationsWithTimers(of: Self.part, upTo: at(seconds), on: $0)
                }
            }
            func due(_ seconds: Int64, limit: Int = 10) async throws -> [StateKey] {
                try await stores.pipeline.withTransaction {
                    try await store.timers(
                        of: stores.organization, part: Self.part, upTo: at(seconds), limit: limit, on: $0)
                }.map(\.key)
            }
            #expect(try await organizations(9).isEmpty)
            #expect(try await organizations(10) == [stores.organization])
            #expect(try await due(20) == [keys[1], keys[4], keys[3]])
            #expect(try await due(99, limit: 1) == [keys[1]])
            try await save([change(keys[1], "s"), change(keys[4], nil)], stores)
            let far = Timestamp(microseconds: Timestamp.now().microseconds + 3_600_000_000)
            try await save([change(keys[0], "s", due: far), change(keys[3], "s", due: far)], stores)
            #expect(try await store.partsWithTimers(dueBefore: .milliseconds(300)).isEmpty)
        }
    }

    @Test("A sweep goes through a part in steps and finds what expired, whose trigger is deleted, and what is old")
    func sweep() async throws {
        try await withStores { stores in
            let living = try await stores.makeTrigger("Living")
            let deleted = try await stores.makeTrigger("Deleted")
            let now = Timestamp.now()
            let old = Timestamp(microseconds: now.microseconds - 1)
            var changes = (0..<10).map { change(key(living, 1, "[\($0)]"), "s", expires: $0 % 2 == 0 ? old : now) }
            changes += (0..<5).map { change(key(deleted, 1, "[\($0)]"), "s") }
            changes.append(change(key(living, 2), "s"))
            try await save(changes, stores)
            _ = try await stores.triggers.delete(deleted.id, organizationID: stores.organization)
            try await stores.script("UPDATE trigger_states SET updated_at = now() - interval '25 hours' WHERE slot = 2")
            let store = StateStore(pool: stores.pipeline)
            var place: StateKey?
            var steps: [StateStore.Look] = []
            repeat {
                let after = place
                let step = try await stores.pipeline.withTransaction {
                    try await store.look(part: Self.part, after: after, expiredBefore: now, limit: 4, on: $0)
                }
                place = step.last
                steps.append(step)
            } while place != nil
            let stale = steps.flatMap(\.stale)
            #expect(steps.count == 5 && stale.count == 10)
            #expect(steps.flatMap(\.untouched).map(\.key) == [key(living, 2)])
            try await stores.pipeline.withTransaction { try await store.delete(stale, part: Self.part, on: $0) }
            let left = try await load(changes.map(\.key), stores)
            #expect(left.count == 6 && left.keys.allSatisfy { $0.triggerID == living.id })
        }
    }

    @Test("An organization sees its own states and changes none")
    func tenants() async throws {
        try await withStores { stores in
            let trigger = try await stores.makeTrigger()
            try await save([change(key(trigger), "s")], stores)
            let other = try await stores.makeOrganization()
            for (organization, count) in [(stores.organization, 1), (other, 0)] {
                let seen = try await stores.gateway.withTransaction(organization: organization) {
                    try await $0.query(.count("trigger_states"))
                }
                #expect(try seen[0].decode(0, as: Int64.self) == count)
            }
            let error = await #expect(throws: PostgresError.self) {
                try await stores.gateway.withTransaction(organization: stores.organization) {
                    try await $0.query(PostgresStatement("test_forget_states", "DELETE FROM trigger_states"))
                }
            }
            #expect(error?.sqlState == "42501")
        }
    }
}
