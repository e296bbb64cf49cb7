import ActionModel
import EventModel
import EventStore
import JSONTree
import PostgresWire
import Runtime
import TestKit
import Testing

@Suite("Sources are stored with their secrets sealed")
struct SourceStoreTests {
    private static let secret = "It's a Secret to Everybody"

    private static func definition(
        _ name: String = "github", enabled: Bool = true, secret: String = secret, from previous: SourceDefinition? = nil
    ) throws -> SourceDefinition {
        let text = """
            {"name": "\(name)", "enabled": \(enabled), "event_type": "Push", "headers": ["x-github-event"],
             "verification": {"scheme": "github", "secrets": ["\(secret)"]}}
            """
        return try SourceDefinition(JSONDocument(text).root, secretsFrom: previous?.verification)
    }

    private static func store(_ stores: StoreFixture, key: UInt8 = 0) throws -> SourceStore {
        SourceStore(
            pool: stores.gateway, keyring: try testKeyring(key), secret: String(repeating: "s", count: 32),
            logger: testLogger)
    }

    @Test("A source is found by its id, by its hook key and in the list, with its secrets whole")
    func roundTrip() async throws {
        try await withStores { stores in
            let sources = try Self.store(stores)
            let made = try await sources.create(try Self.definition(), organizationID: stores.organization)
            let got = try #require(await sources.source(made.id, organizationID: stores.organization))
            let found = try #require(await sources.source(made.hookKey))
            let listed = try await sources.list(organizationID: stores.organization, limit: 10)
            #expect(listed.count == 1)
            for source in [got, found, listed[0]] {
                #expect(source.id == made.id && source.hookKey == made.hookKey && source.createdAt == made.createdAt)
                #expect(source.organizationID == stores.organization)
                #expect(source.definition.verification.secrets == [Self.secret])
                #expect(source.definition.headers == ["x-github-event"])
            }
            #expect(try await sources.source(#require(HookKey(String(repeating: "0", count: 32)))) == nil)
            #expect(HookKey("") == nil && HookKey(made.id.description) == nil && HookKey("\(made.hookKey)0") == nil)
        }
    }

    @Test("No secret stands in the database, and another key or another row opens none")
    func sealed() async throws {
        try await withStores { stores in
            let sources = try Self.store(stores)
            let made = try await sources.create(try Self.definition(), organizationID: stores.organization)
            let other = try await sources.create(
                try Self.definition("other", secret: "another secret"), organizationID: stores.organization)
            let rows = try await stores.owner.query(
                PostgresStatement("test_sources", "SELECT s::text, encode(secrets, 'escape') FROM sources s"))
            for row in rows {
                for column in 0..<2 {
                    let text = try row.decode(column, as: String.self)
                    #expect(!text.contains("Secret to") && !text.contains("another secret"))
                }
            }
            let stranger = try Self.store(stores, key: 1)
            let error = await #expect(throws: EventStoreError.self) { try await stranger.source(made.hookKey) }
            #expect(error?.code == .sealed && error?.message.contains("COLLIDER_ENCRYPTION_KEYS_OLD") == true)
            #expect(try await stranger.list(organizationID: stores.organization, limit: 10).isEmpty)
            // Whoever can only write to the database can't give a source the secrets of another that he knows.
            _ = try await stores.owner.query(
                PostgresStatement(
                    "test_swap", "UPDATE sources SET secrets = (SELECT secrets FROM sources WHERE id = $1)"),
                [.uuid(other.id)])
            await #expect(throws: EventStoreError.self) {
                try await sources.source(made.id, organizationID: stores.organization)
            }
            // Secrets that are set anew make it whole again; a mask has nothing to stand for.
            await #expect(throws: JSONValidationError.self) {
                try await sources.replace(made.id, organizationID: stores.organization) { current in
                    #expect(current == nil)
                    return try Self.definition(secret: "#1 ••••", from: current)
                }
            }
            let mended = try await sources.replace(made.id, organizationID: stores.organization) { _ in
                try Self.definition(secret: "a new secret")
            }
            #expect(mended?.hookKey == made.hookKey)
            #expect(
                try await sources.source(made.id, organizationID: stores.organization)?.definition.verification.secrets
                    == ["a new secret"])
        }
    }

    @Test("Replacing keeps the hook key and masked secrets; a change is seen by another gateway within a second")
    func replace() async throws {
        try await withStores { stores in
            let sources = try Self.store(stores)
            let gateway = try Self.store(stores)
            let made = try await sources.create(try Self.definition(), organizationID: stores.organization)
            #expect(try await gateway.source(made.hookKey)?.definition.enabled == true)
            let replaced = try await sources.replace(made.id, organizationID: stores.organization) { current in
                try Self.definition("renamed", enabled: false, secret: "#1 ••••", from: current)
            }
            #expect(replaced?.hookKey == made.hookKey && replaced?.definition.name == "renamed")
            #expect(replaced?.definition.verification.secrets == [Self.secret])
            // The other gateway may still know it as it was, but for a second only.
            try await Task.sleep(for: .milliseconds(1_100))
            #expect(try await gateway.source(made.hookKey)?.definition.enabled == false)
            #expect(try await sources.delete(made.id, organizationID: stores.organization))
            try await Task.sleep(for: .milliseconds(1_100))
            #expect(try await gateway.source(made.hookKey) == nil)
            #expect(try await sources.delete(made.id, organizationID: stores.organization) == false)
            let gone = try await sources.replace(made.id, organizationID: stores.organization) { _ in
                try Self.definition()
            }
            #expect(gone == nil)
        }
    }

    @Test("A found source costs no round trip for a second")
    func memory() async throws {
        try await withStores { stores in
            let sources = try Self.store(stores)
            let made = try await sources.create(try Self.definition(), organizationID: stores.organization)
            #expect(try await sources.source(made.hookKey) != nil)
            _ = try await stores.owner.query(PostgresStatement("test_lock", "DELETE FROM sources"))
            #expect(try await sources.source(made.hookKey) != nil, "it is remembered")
        }
    }

    @Test("A name is taken within its organization")
    func names() async throws {
        try await withStores { stores in
            let sources = try Self.store(stores)
            _ = try await sources.create(try Self.definition("same"), organizationID: stores.organization)
            let other = try await sources.create(try Self.definition("other"), organizationID: stores.organization)
            let again = await #expect(throws: EventStoreError.self) {
                try await sources.create(try Self.definition("same"), organizationID: stores.organization)
            }
            #expect(again?.code == .conflict)
            let renaming = await #expect(throws: EventStoreError.self) {
                try await sources.replace(other.id, organizationID: stores.organization) { _ in
                    try Self.definition("same")
                }
            }
            #expect(renaming?.code == .conflict)
            let stranger = try await stores.makeOrganization()
            _ = try await sources.create(try Self.definition("same"), organizationID: stranger)
        }
    }

    @Test("Row-level security hides sources from other organizations and from other roles")
    func rows() async throws {
        try await withStores { stores in
            let sources = try Self.store(stores)
            let made = try await sources.create(try Self.definition(), organizationID: stores.organization)
            let stranger = try await stores.makeOrganization()
            #expect(try await sources.source(made.id, organizationID: stranger) == nil)
            #expect(try await sources.list(organizationID: stranger, limit: 10).isEmpty)
            #expect(try await sources.delete(made.id, organizationID: stranger) == false)
            // The statements name the organization; the policies hold without them.
            let count = PostgresStatement("test_count_sources", "SELECT count(*) FROM sources")
            for (organization, expected) in [(stores.organization, 1), (stranger, 0), (nil, 0)] {
                let seen = try await stores.gateway.withTransaction(organization: organization) {
                    try await $0.query(count)[0].decode(0, as: Int64.self)
                }
                #expect(seen == Int64(expected))
            }
            let planting = await #expect(throws: PostgresError.self) {
                try await stores.gateway.withTransaction(organization: stranger) {
                    try await $0.query(
                        PostgresStatement(
                            "test_plant_source",
                            """
                            INSERT INTO sources (id, organization_id, name, hook_key, definition, secrets)
                            VALUES ($1, $2, 'x', 'y', '{}', '')
                            """),
                        [.uuid(.generate()), .uuid(stores.organization)])
                }
            }
            #expect(planting?.sqlState == "42501")
            let denied = await #expect(throws: PostgresError.self) { try await stores.pipeline.query(count) }
            #expect(denied?.sqlState == "42501")
        }
    }
}
