import ActionModel
import EventModel
import JSONTree
import PostgresWire
import Runtime
import TestKit
import Testing
import TriggerEngine

@testable import EventStore

@Suite("Keys of stored secrets are rotated")
struct KeyRotationTests {
    private func admin(_ stores: StoreFixture, in database: PostgresConfiguration, _ keyring: Keyring) -> SecretStore {
        var configuration = database
        configuration.role = "collider_admin"
        return SecretStore(
            pool: PostgresPool(configuration: configuration, size: 2, logger: testLogger), keyring: keyring,
            secret: String(repeating: "s", count: 32))
    }

    private func withDatabase(
        _ body: (StoreFixture, PostgresConfiguration) async throws -> Void
    ) async throws {
        try await withMigratedDatabase { configuration in
            try await withStores(in: configuration) { try await body($0, configuration) }
        }
    }

    private func makeSource(_ stores: StoreFixture, _ keyring: Keyring) async throws -> Source {
        let definition =
            #"{"name": "s", "event_type": "A", "verification": {"scheme": "github", "secrets": ["open sesame"]}}"#
        let store = SourceStore(pool: stores.gateway, keyring: keyring, secret: nil, logger: testLogger)
        return try await store.create(
            SourceDefinition(JSONDocument(definition).root, secretsFrom: nil), organizationID: stores.organization)
    }

    @Test("Everything is sealed anew under the current key, and the old one is retired")
    func rotation() async throws {
        try await withDatabase { stores, database in
            let old = stores.keyring
            try await KeyringCheck(pool: stores.gateway, keyring: old, seals: true, logger: testLogger).verify()
            let trigger = try await stores.makeTrigger(actions: 2)
            _ = try await stores.triggers.replace(trigger.id, organizationID: stores.organization) { _ in
                try definition("Renamed")
            }
            let source = try await makeSource(stores, old)
            let new = try testKeyring(1, old: [0])
            let secrets = admin(stores, in: database, new)
            #expect(try await secrets.isOutdated())
            let before = try await secrets.survey()
            #expect(before.sealed == [old.currentID: 4] && before.openVersions == 0 && before.earlierSources == 0)
            let after = try await secrets.reseal()
            #expect(after.resealed == 3 && after.sealed == [new.currentID: 4] && after.isAll(under: new.currentID))
            #expect(try await secrets.keys() == [new.currentID])
            #expect(try await !secrets.isOutdated())
            #expect(try await secrets.reseal().resealed == 0)

            let alone = try testKeyring(1)
            let triggers = TriggerStore(pool: stores.gateway, keyring: alone, logger: testLogger)
            let versions = try await triggers.versions(of: trigger.id, organizationID: stores.organization, limit: 9)
            #expect(versions?.count == 2)
            let sources = SourceStore(pool: stores.gateway, keyring: alone, secret: nil, logger: testLogger)
            #expect(try await sources.source(source.hookKey)?.definition.verification.secrets == ["open sesame"])
        }
    }

    @Test("What an earlier release stored is read, and sealed when it is asked for")
    func upgrade() async throws {
        try await withDatabase { stores, database in
            let trigger = try await stores.makeTrigger()
            let plain = String(decoding: TriggerCoding.json(try definition("Large payment"), .plain), as: UTF8.self)
            try await stores.owner.withConnection {
                try await $0.execute(
                    script: """
                        ALTER TABLE trigger_versions DISABLE TRIGGER USER;
                        UPDATE trigger_versions SET definition = '\(plain)', secrets = NULL;
                        ALTER TABLE trigger_versions ENABLE TRIGGER USER;
                        """)
            }
            let read = try #require(await stores.triggers.trigger(trigger.id, organizationID: stores.organization))
            #expect(TriggerCoding.isSame(read.definition, trigger.definition))
            let ready = try await stores.fire(trigger, on: stores.makeEvent())
            #expect(try await stores.deliveries.claim(ready.map(\.id)).count == 1)

            let secrets = admin(stores, in: database, stores.keyring)
            #expect(try await secrets.isOutdated())
            #expect(try await secrets.survey().openVersions == 1)
            #expect(try await secrets.reseal().resealed == 1)
            let rows = try await stores.owner.query(
                PostgresStatement("test_versions", "SELECT v::text FROM trigger_versions v"))
            #expect(try !rows[0].decode(0, as: String.self).contains(signingSecret))
            let anew = try #require(await stores.triggers.trigger(trigger.id, organizationID: stores.organization))
            #expect(TriggerCoding.isSame(anew.definition, trigger.definition))
        }
    }

    @Test("What can't be opened is told, stays, and keeps its key in use")
    func failures() async throws {
        try await withDatabase { stores, database in
            try await KeyringCheck(pool: stores.gateway, keyring: stores.keyring, seals: true, logger: testLogger)
                .verify()
            let trigger = try await stores.makeTrigger()
            let survey = try await admin(stores, in: database, testKeyring(2)).reseal()
            let current = try testKeyring(2).currentID
            #expect(survey.resealed == 0 && survey.failures.count == 1 && !survey.isAll(under: current))
            #expect(survey.failures[0].contains("\(trigger.id)"))
            #expect(try await admin(stores, in: database, testKeyring(2)).keys().contains(stores.keyring.currentID))
            #expect(try await stores.triggers.trigger(trigger.id, organizationID: stores.organization) != nil)
        }
    }

    @Test("A process that lacks a key in use ends at its start; one that seals notes its own")
    func check() async throws {
        try await withDatabase { stores, _ in
            func check(_ keyring: Keyring, seals: Bool = false) -> KeyringCheck {
                KeyringCheck(
                    pool: seals ? stores.gateway : stores.pipeline, keyring: keyring, seals: seals, logger: testLogger)
            }
            try await check(testKeyring(5)).verify()
            try await check(testKeyring(0), seals: true).verify()
            try await check(testKeyring(0)).verify()
            try await check(testKeyring(1, old: [0]), seals: true).verify()
            for keyring in [try testKeyring(0), try testKeyring(1), try testKeyring(2)] {
                let error = await #expect(throws: ConfigurationError.self) { try await check(keyring).run() }
                #expect(error?.key == "COLLIDER_ENCRYPTION_KEY")
            }
            try await check(testKeyring(0, old: [1])).verify()
        }
    }

    @Test("A version still says for ever what it says, and the services can't change how it is sealed")
    func immutable() async throws {
        try await withDatabase { stores, database in
            _ = try await stores.makeTrigger()
            for change in ["version = 9", "made_as = 'shadow'", "definition = '{}'", "created_at = now() + '1 s'"] {
                await #expect(throws: PostgresError.self, "\(change)") {
                    try await stores.owner.withConnection {
                        try await $0.execute(script: "UPDATE trigger_versions SET \(change)")
                    }
                }
            }
            for pool in [stores.gateway, stores.pipeline] {
                await #expect(throws: PostgresError.self) {
                    try await pool.withConnection {
                        try await $0.execute(script: "UPDATE trigger_versions SET secrets = '[]'")
                    }
                }
            }
        }
    }
}
