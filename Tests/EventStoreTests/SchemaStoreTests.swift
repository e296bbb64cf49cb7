import EventModel
import EventStore
import JSONTree
import PostgresWire
import SchemaLearning
import TestKit
import Testing

@Suite("Learned schemas are stored")
struct SchemaStoreTests {
    private func learned(_ type: String, _ events: [String]) throws -> LearnedSchema {
        var schema = LearnedSchema(eventType: type, firstSeen: Timestamp(milliseconds: 1_700_000_000_000))
        for (index, data) in events.enumerated() {
            schema.observe(
                try JSONDocument(data).root, at: Timestamp(milliseconds: 1_700_000_000_000 + Int64(index)))
        }
        return schema
    }

    @Test("What was saved is loaded again, and saving again replaces it")
    func roundTrip() async throws {
        try await withStores { stores in
            let store = SchemaStore(pool: stores.pipeline)
            let keys = ["A", "B"].map { SchemaKey(organizationID: stores.organization, eventType: $0) }
            let first = [
                keys[0]: try learned("A", [#"{"amount": 12.5, "tags": ["x"]}"#, #"{"amount": null}"#]),
                keys[1]: try learned("B", ["{}"]),
            ]
            try await stores.pipeline.withTransaction { try await store.save(first, on: $0) }
            let unknown = SchemaKey(organizationID: stores.organization, eventType: "C")
            let loaded = try await stores.pipeline.withTransaction {
                try await store.load(for: keys + keys + [unknown], on: $0)
            }
            #expect(loaded == first)

            var grown = try #require(loaded[keys[0]])
            let next = try JSONDocument(#"{"amount": 3, "new": true}"#).root
            grown.observe(next, at: Timestamp(milliseconds: 1_700_000_001_000))
            try await stores.pipeline.withTransaction { try await store.save([keys[0]: grown], on: $0) }
            let shown = SchemaStore(pool: stores.gateway)
            #expect(try await shown.schema(organizationID: stores.organization, eventType: "A") == grown)
            #expect(try await shown.schema(organizationID: stores.organization, eventType: "C") == nil)
        }
    }

    @Test("A list goes by event type, page by page, and shows one organization's alone")
    func list() async throws {
        try await withStores { stores in
            let store = SchemaStore(pool: stores.pipeline)
            let other = try await stores.makeOrganization()
            var schemas: [SchemaKey: LearnedSchema] = [:]
            for type in ["Signup", "Payment", "Refund"] {
                schemas[SchemaKey(organizationID: stores.organization, eventType: type)] = try learned(type, ["{}"])
            }
            schemas[SchemaKey(organizationID: other, eventType: "Secret")] = try learned("Secret", ["{}"])
            let all = schemas
            try await stores.pipeline.withTransaction { try await store.save(all, on: $0) }
            let shown = SchemaStore(pool: stores.gateway)
            let first = try await shown.list(organizationID: stores.organization, limit: 2)
            #expect(first.map(\.eventType) == ["Payment", "Refund"])
            let second = try await shown.list(organizationID: stores.organization, limit: 2, after: "Refund")
            #expect(second.map(\.eventType) == ["Signup"])
            #expect(try await shown.schema(organizationID: stores.organization, eventType: "Secret") == nil)
            let visible = try await stores.gateway.withTransaction(organization: other) {
                try await $0.query(.count("learned_schemas"))
            }
            #expect(try visible[0].decode(0, as: Int64.self) == 1)
        }
    }
}
