import ActionModel
import EventModel
import JSONTree
import Logging
import PostgresWire
import Runtime
import TestKit
import Testing
import TriggerEngine

@testable import EventStore

@Suite("Secrets of actions are stored sealed")
struct SecretTests {
    private static let header = "Bearer of-bad-news-7c1e"
    private static let token = "123456789:AAF-token_of_the_secret_tests_35"
    private static var all: [String] { [header, token, signingSecret] }

    private static func definition(_ name: String = "secretive", order: [Int] = [0, 1]) throws -> TriggerDefinition {
        let actions = [
            """
            {"type": "rest", "config": {"url": "http://127.0.0.1:9/", "signing_secret": "\(signingSecret)",
             "headers": {"Authorization": "\(header)", "x-plain~": "kept"}, "body": {"a": ["•", "••••"]}}}
            """,
            #"{"type": "telegram", "config": {"bot_token": "\#(token)", "chat_id": 7, "text": "hi"}}"#,
        ]
        let list = order.map { actions[$0] }.joined(separator: ",")
        return try TriggerDefinition(JSONDocument(#"{"name": "\#(name)", "actions": [\#(list)]}"#).root)
    }

    private static func rows(_ stores: StoreFixture) async throws -> [String] {
        try await stores.owner.query(
            PostgresStatement("test_versions", "SELECT v::text FROM trigger_versions v ORDER BY version")
        ).map { try $0.decode(0) }
    }

    @Test("The row holds none of them, and the definition comes back whole, in every version")
    func roundTrip() async throws {
        try await withStores { stores in
            let made = try await stores.triggers.create(try Self.definition(), organizationID: stores.organization)
            _ = try await stores.triggers.replace(made.id, organizationID: stores.organization) { _ in
                try Self.definition(order: [1, 0])
            }
            let rows = try await Self.rows(stores)
            #expect(rows.count == 2)
            for row in rows {
                #expect(Self.all.allSatisfy { !row.contains($0) } && row.contains("••••") && row.contains("kept"))
            }
            let second = try #require(await stores.triggers.trigger(made.id, organizationID: stores.organization))
            #expect(TriggerCoding.isSame(second.definition, try Self.definition(order: [1, 0])))
            let first = try #require(await stores.triggers.version(1, of: made.id, organizationID: stores.organization))
            #expect(TriggerCoding.isSame(first.trigger.definition, try Self.definition()))
            // What says the same is no change, although it would be sealed otherwise.
            let same = try await stores.triggers.replace(made.id, organizationID: stores.organization) { _ in
                try Self.definition(order: [1, 0])
            }
            #expect(same?.version == 2)
        }
    }

    @Test("A secret opens in its own place only: not in another trigger, nor in another action of it")
    func places() async throws {
        try await withStores { stores in
            let one = try await stores.triggers.create(try Self.definition("one"), organizationID: stores.organization)
            let two = try await stores.triggers.create(
                try Self.definition("two", order: [0, 0]), organizationID: stores.organization)
            let stranger = try await stores.makeOrganization()
            for change in [
                "secrets = (SELECT secrets FROM trigger_versions WHERE trigger_id = '\(two.id)')",
                "secrets = json_build_array(secrets -> 1, secrets -> 0)",
                "organization_id = '\(stranger)'",
            ] {
                try await stores.owner.withConnection {
                    try await $0.execute(
                        script: """
                            CREATE TABLE kept AS SELECT * FROM trigger_versions;
                            ALTER TABLE trigger_versions DISABLE TRIGGER USER;
                            UPDATE trigger_versions SET \(change) WHERE trigger_id = '\(one.id)';
                            UPDATE triggers SET organization_id = v.organization_id FROM trigger_versions v
                            WHERE v.trigger_id = triggers.id;
                            """)
                }
                let owner = change.contains("organization_id") ? stranger : stores.organization
                let error = await #expect(throws: (any Error).self) {
                    try await stores.triggers.trigger(one.id, organizationID: owner)
                }
                #expect(Self.all.allSatisfy { !"\(error as Any)".contains($0) })
                try await stores.owner.withConnection {
                    try await $0.execute(
                        script: """
                            UPDATE trigger_versions v SET secrets = k.secrets, organization_id = k.organization_id
                            FROM kept k WHERE k.trigger_id = v.trigger_id;
                            UPDATE triggers SET organization_id = v.organization_id FROM trigger_versions v
                            WHERE v.trigger_id = triggers.id;
                            DROP TABLE kept;
                            """)
                }
                #expect(try await stores.triggers.trigger(one.id, organizationID: stores.organization) != nil)
            }
        }
    }

    @Test("Another key opens nothing and says which is missing; as an old one it does")
    func keys() async throws {
        try await withStores { stores in
            let made = try await stores.triggers.create(try Self.definition(), organizationID: stores.organization)
            var quiet = testLogger
            quiet.logLevel = .critical
            let stranger = TriggerStore(pool: stores.gateway, keyring: try testKeyring(1), logger: quiet)
            let error = await #expect(throws: EventStoreError.self) {
                try await stranger.trigger(made.id, organizationID: stores.organization)
            }
            #expect(error?.code == .sealed && error?.message.contains(stores.keyring.currentID) == true)
            #expect(try await stranger.list(organizationID: stores.organization, limit: 9).isEmpty)
            let heir = TriggerStore(pool: stores.gateway, keyring: try testKeyring(1, old: [0]), logger: quiet)
            #expect(try await heir.list(organizationID: stores.organization, limit: 9).count == 1)
        }
    }

    @Test("A claim brings the secrets; without their key a delivery waits, and no attempt is used")
    func claims() async throws {
        try await withStores { stores in
            let trigger = try await stores.triggers.create(try Self.definition(), organizationID: stores.organization)
            let ready = try await stores.fire(trigger, on: stores.makeEvent())
            let blind = DeliveryStore(pool: stores.pipeline, keyring: try testKeyring(1))
            #expect(try await blind.claim(ready.map(\.id)).isEmpty)
            for delivery in ready {
                let log = DeliveryStore(pool: stores.gateway)
                let waiting = try #require(await log.delivery(delivery.id, organizationID: stores.organization))
                #expect(waiting.status == .scheduled && waiting.attempt == 0)
                #expect(waiting.lastError?.contains("COLLIDER_ENCRYPTION_KEYS_OLD") == true)
                #expect(waiting.runAt > .now())
            }
            try await stores.owner.withConnection {
                try await $0.execute(script: "UPDATE deliveries SET run_at = now()")
            }
            #expect(try await stores.deliveries.promote(limit: 9).count == 2)
            let claimed = try await stores.deliveries.claim(ready.map(\.id))
            #expect(claimed.count == 2)
            for delivery in claimed {
                switch delivery.action.config {
                case .rest(let rest): #expect(rest.signingSecrets == [signingSecret])
                case .telegram(let telegram): #expect(telegram.botToken == Self.token)
                default: Issue.record("an action of another kind")
                }
            }
        }
    }

    @Test("What is hidden from the API is a secret, whatever its shape, and comes back to its place")
    func shapes() throws {
        let plain = try JSONDocument(#"{"a":{"b/c":["x",{"~":"s1"}],"n":5},"l":[1,2],"k":{"gone":"s2"},"e":"é"}"#).root
        let masked = try JSONDocument(#"{"a":{"b/c":["x",{"~":"•"}],"n":null},"l":[1],"k":{},"e":"é"}"#).root
        let found = SealedAction.secrets(of: plain, masked: masked)
        #expect(found.map(\.pointer) == ["/a/b~1c/1/~0", "/a/n", "/l", "/k"])
        var writer = JSONWriter()
        SealedAction.write(
            masked, with: Dictionary(found.map { ($0.pointer, $0.json) }) { first, _ in first }, to: &writer)
        #expect(writer.bytes == Array(plain.source))
        #expect(SealedAction.secrets(of: plain, masked: plain).isEmpty)
    }
}
