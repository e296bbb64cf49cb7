import ActionModel
import EventModel
import EventStore
import JSONTree
import Logging
import PostgresWire
import TestKit
import Testing
import TriggerEngine

@Suite("Triggers are stored in versions that never change")
struct TriggerStoreTests {
    private func text(_ definition: TriggerDefinition, _ secrets: SecretMode) -> String {
        var writer = JSONWriter()
        writer.object { definition.write(to: &$0, secrets: secrets) }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test("A created trigger is found by its id and in the list, with its secrets whole")
    func roundTrip() async throws {
        try await withStores { stores in
            let made = try await stores.makeTrigger()
            let got = try #require(await stores.triggers.trigger(made.id, organizationID: stores.organization))
            #expect(got.version == 1 && got.createdAt == made.createdAt && got.updatedAt == made.updatedAt)
            #expect(text(got.definition, .plain).contains(signingSecret))
            #expect(!text(got.definition, .masked).contains(signingSecret))
            let listed = try await stores.triggers.list(organizationID: stores.organization, limit: 10)
            #expect(listed.map(\.id) == [made.id])
        }
    }

    @Test("Pages follow each other without a gap")
    func pages() async throws {
        try await withStores { stores in
            var made: [UniqueID] = []
            for number in 0..<5 { made.append(try await stores.makeTrigger("Trigger \(number)").id) }
            var seen: [UniqueID] = []
            repeat {
                let page = try await stores.triggers.list(
                    organizationID: stores.organization, limit: 2, after: seen.last)
                seen += page.map(\.id)
                if page.count < 2 { break }
            } while true
            #expect(seen == made.sorted())
        }
    }

    @Test("A name is taken as long as its trigger lives")
    func names() async throws {
        try await withStores { stores in
            let first = try await stores.makeTrigger("Same")
            let error = await #expect(throws: EventStoreError.self) { try await stores.makeTrigger("Same") }
            #expect(error?.code == .conflict)
            let other = try await stores.makeTrigger("Other")
            let renaming = await #expect(throws: EventStoreError.self) {
                try await stores.triggers.replace(other.id, organizationID: stores.organization) { _ in
                    try definition("Same")
                }
            }
            #expect(renaming?.code == .conflict)
            #expect(try await stores.triggers.delete(first.id, organizationID: stores.organization))
            #expect(try await stores.triggers.delete(first.id, organizationID: stores.organization) == false)
            _ = try await stores.makeTrigger("Same")
        }
    }

    @Test("Replacing adds a version, keeps masked secrets, and leaves the old version as it was")
    func replace() async throws {
        try await withStores { stores in
            let made = try await stores.makeTrigger()
            let masked = text(made.definition, .masked).replacing("Large payment", with: "Larger payment")
            let replaced = try #require(
                await stores.triggers.replace(made.id, organizationID: stores.organization) { current in
                    try TriggerDefinition(JSONDocument(masked).root, secretsFrom: current)
                })
            #expect(replaced.version == 2 && replaced.definition.name == "Larger payment")
            #expect(text(replaced.definition, .plain).contains(signingSecret))
            let names = try await stores.owner.query(
                PostgresStatement(
                    "test_versions", "SELECT definition ->> 'name' FROM trigger_versions ORDER BY version"))
            #expect(try names.map { try $0.decode(0, as: String.self) } == ["Large payment", "Larger payment"])
        }
    }

    @Test("Replacing a trigger by itself is no change")
    func sameAgain() async throws {
        try await withStores { stores in
            let made = try await stores.makeTrigger()
            let replaced = try await stores.triggers.replace(made.id, organizationID: stores.organization) { _ in
                try definition("Large payment")
            }
            #expect(replaced?.version == 1)
        }
    }

    @Test("Changes at the same time each make a version of their own")
    func concurrentReplaces() async throws {
        try await withStores { stores in
            let made = try await stores.makeTrigger()
            try await withThrowingTaskGroup { group in
                for number in 0..<8 {
                    group.addTask {
                        _ = try #require(
                            await stores.triggers.replace(made.id, organizationID: stores.organization) { _ in
                                try definition("Name \(number)")
                            })
                    }
                }
                try await group.waitForAll()
            }
            let last = try #require(await stores.triggers.trigger(made.id, organizationID: stores.organization))
            #expect(last.version == 9)
        }
    }

    @Test("Not even the owner can change a version")
    func immutable() async throws {
        try await withStores { stores in
            _ = try await stores.makeTrigger()
            let error = await #expect(throws: PostgresError.self) {
                try await stores.owner.query(
                    PostgresStatement("test_change", "UPDATE trigger_versions SET definition = '{}'"))
            }
            #expect(error?.sqlState == "23000")
        }
    }

    @Test("A definition that no longer parses is passed over, and the others are still there")
    func unreadable() async throws {
        try await withStores { stores in
            let good = try await stores.makeTrigger()
            let bad = try await stores.makeTrigger("Bad")
            try await stores.owner.withConnection {
                try await $0.execute(
                    script: """
                        ALTER TABLE trigger_versions DISABLE TRIGGER USER;
                        UPDATE trigger_versions SET definition = '{"from": "the future"}'
                        WHERE trigger_id = '\(bad.id)';
                        """)
            }
            var quiet = testLogger
            quiet.logLevel = .critical
            let pipeline = TriggerStore(pool: stores.pipeline, keyring: stores.keyring, logger: quiet)
            let read = try await pipeline.withConnection {
                try await pipeline.versions(
                    [good, bad].map { (id: $0.id, version: $0.version) }, role: .live, on: $0)
            }
            #expect(read.map(\.id) == [good.id])
        }
    }

    @Test("An organization neither sees nor changes the triggers of another")
    func tenants() async throws {
        try await withStores { stores in
            let mine = try await stores.makeTrigger()
            let other = try await stores.makeOrganization()
            #expect(try await stores.triggers.trigger(mine.id, organizationID: other) == nil)
            #expect(try await stores.triggers.list(organizationID: other, limit: 10).isEmpty)
            #expect(try await stores.triggers.delete(mine.id, organizationID: other) == false)
            let replaced = try await stores.triggers.replace(mine.id, organizationID: other) { $0 }
            #expect(replaced == nil)
            // Without its WHERE clause too: the policies alone keep the rows apart.
            for table: StaticString in ["triggers", "trigger_versions"] {
                let seen = try await stores.gateway.withTransaction(organization: other) {
                    try await $0.query(PostgresStatement.count(table))
                }
                #expect(try seen[0].decode(0, as: Int64.self) == 0)
            }
            let smuggled = await #expect(throws: PostgresError.self) {
                try await stores.gateway.withTransaction(organization: other) {
                    try await $0.query(
                        PostgresStatement(
                            "test_smuggle",
                            """
                            INSERT INTO trigger_versions (trigger_id, version, organization_id, definition)
                            VALUES ($1, 2, $2, '{}')
                            """),
                        [.uuid(mine.id), .uuid(stores.organization)])
                }
            }
            #expect(smuggled?.sqlState == "42501")
        }
    }
}

extension PostgresStatement {
    /// Counts the rows of a table that the session may see.
    static func count(_ table: StaticString) -> PostgresStatement {
        PostgresStatement(table, "SELECT count(*) FROM \(table)")
    }
}
