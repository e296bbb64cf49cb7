import EventModel
import EventStore
import JSONTree
import PostgresWire
import TestKit
import Testing
import TriggerEngine

@Suite("The processor learns what changed of the triggers, and nothing else")
struct TriggerChangeTests {
    private final class Reader {
        let store: TriggerStore
        private var mark = TriggerMark.start

        init(_ stores: StoreFixture) {
            store = TriggerStore(pool: stores.pipeline, keyring: stores.keyring, logger: testLogger)
        }

        func next() async throws -> [UniqueID: TriggerStanding] {
            let mark = mark
            let (standings, next) = try await store.withConnection { try await store.changes(since: mark, on: $0) }
            self.mark = next
            return Dictionary(standings.map { ($0.id, $0) }, uniquingKeysWith: { _, last in last })
        }
    }

    @Test("Each change is told once it has committed: new, replaced, in shadow, deleted")
    func changes() async throws {
        try await withStores { stores in
            let reader = Reader(stores)
            let first = try await stores.makeTrigger("First")
            let other = try await stores.makeOrganization()
            let second = try await stores.triggers.create(definition("Elsewhere"), organizationID: other)
            #expect(try await Set(reader.next().keys) == [first.id, second.id])
            #expect(try await reader.next().isEmpty)
            _ = try await stores.triggers.replace(first.id, organizationID: stores.organization) { _ in
                try definition("Off", enabled: false)
            }
            let replaced = try await reader.next()
            #expect(replaced.keys.sorted() == [first.id] && replaced[first.id]?.version == 2)
            try await stores.script("UPDATE triggers SET shadow_version = 1 WHERE id = '\(first.id)'")
            #expect(try await reader.next()[first.id]?.shadowVersion == 1)
            #expect(try await stores.triggers.delete(second.id, organizationID: other))
            #expect(try await reader.next()[second.id]?.isDeleted == true)
            #expect(try await reader.next().isEmpty)
            let late = Reader(stores)
            #expect(try await Set(late.next().keys) == [first.id])
        }
    }

    @Test("A change that commits late is not missed")
    func lateCommit() async throws {
        try await withStores { stores in
            let reader = Reader(stores)
            let slow = try await stores.makeTrigger("Slow")
            let quick = try await stores.makeTrigger("Quick")
            _ = try await reader.next()
            let early = try await stores.owner.withTransaction { connection in
                try await connection.execute(script: "UPDATE triggers SET shadow_version = 1 WHERE id = '\(slow.id)'")
                _ = try await stores.triggers.replace(quick.id, organizationID: stores.organization) { _ in
                    try definition("Quicker")
                }
                return try await reader.next()
            }
            #expect(early.keys.sorted() == [quick.id])
            #expect(try await reader.next()[slow.id]?.shadowVersion == 1)
        }
    }

    @Test("A copy of a database on a server that has counted less is read once, and then for what changes")
    func restored() async throws {
        try await withStores { stores in
            let reader = Reader(stores)
            let old = try await stores.makeTrigger("Old")
            try await stores.script(
                """
                ALTER TABLE triggers DISABLE TRIGGER USER;
                UPDATE triggers SET changed_by = 1000000000000;
                ALTER TABLE triggers ENABLE TRIGGER USER;
                """)
            #expect(try await Set(reader.next().keys) == [old.id])
            #expect(try await reader.next().isEmpty)
            _ = try await stores.triggers.replace(old.id, organizationID: stores.organization) { _ in
                try definition("New")
            }
            #expect(try await reader.next()[old.id]?.version == 2)
        }
    }

    @Test("Every change enters the log as an event, in the change's own transaction")
    func events() async throws {
        try await withStores { stores in
            let trigger = try await stores.makeTrigger("Told")
            await #expect(throws: EventStoreError.self) { try await stores.makeTrigger("Told") }
            for enabled in [false, false, true] {
                _ = try await stores.triggers.replace(trigger.id, organizationID: stores.organization) { _ in
                    try definition("Told", enabled: enabled)
                }
            }
            _ = try await stores.triggers.replace(trigger.id, organizationID: stores.organization) { _ in
                try definition("Told otherwise", actions: 2)
            }
            _ = try await stores.triggers.delete(trigger.id, organizationID: stores.organization)
            _ = try await stores.triggers.delete(trigger.id, organizationID: stores.organization)
            let events = try await LogReader(pool: stores.pipeline).read(
                part: LogPart.part(of: stores.organization), after: 0, limit: 100)
            #expect(
                events.map(\.type)
                    == ["created", "disabled", "enabled", "updated", "deleted"].map {
                        "collider.trigger.\($0)"
                    })
            #expect(events.allSatisfy { $0.subject == trigger.id.description && $0.source == "collider" })
            let last = try ParsedEvent(events[4]).data
            #expect(last["name"]?.string == "Told otherwise" && last["version"]?.int64 == 4)
        }
    }
}
