import EventStore
import JSONTree
import PostgresWire
import Runtime
import TestKit
import Testing

@testable import GatewayProcess

@Suite("The audit log")
struct AuditTests {
    private func verify(_ gateway: IdentityGateway, _ name: String = "alice") async throws -> AuditStore.Verification {
        var database = gateway.database
        database.role = "collider_admin"
        let pool = PostgresPool(configuration: database, size: 1, logger: testLogger)
        let store = try AuditStore(pool: pool, secret: gateway.configuration.jwtSecret)
        return try #require(try await store.verify(organization: name).first)
    }

    @Test func `every change tells who, what, from where and by which request`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            let (key, id) = try await gateway.key(of: alice, scopes: [.admin])
            let trigger = try await key.send(
                "POST", "/api/v1/triggers", #"{"name":"t","actions":[]}"#, headers: [("x-request-id", "request-1")])
            #expect(trigger.status == 201, "\(trigger.text)")
            #expect(try await key.send("POST", "/api/v1/triggers", "{}").status == 422)
            #expect(try await key.send("GET", "/api/v1/triggers").status == 200)
            let log = try await alice.api.send("GET", "/api/v1/audit").json["data"]
            let actions = log?.elements.compactMap { $0["action"]?.string }
            #expect(
                actions == ["trigger.created", "key.created", "session.opened", "organization.created"])
            let first = log?[0]
            #expect(first?["actor"]?["kind"]?.string == "key" && first?["actor"]?["id"]?.string == id)
            #expect(first?["address"]?.string == "127.0.0.1" && first?["request_id"]?.string == "request-1")
            #expect(log?[1]?["details"]?["scopes"]?.string == "admin" && log?[1]?["target"]?.string == id)
            #expect(log?[1]?["actor"]?["id"]?.string == alice.id)
            let page = try await alice.api.send("GET", "/api/v1/audit?limit=3").json
            let rest = try await alice.api.send(
                "GET", "/api/v1/audit?limit=3&cursor=\(try #require(page["next_cursor"]?.string))"
            ).json
            #expect(rest["data"]?.count == 1 && rest["next_cursor"]?.isNull == true)
            #expect(try await alice.api.send("GET", "/api/v1/audit?actor=\(id)").json["data"]?.count == 1)
            try expectProblem(try await alice.api.send("GET", "/api/v1/audit?cursor=x"), 400, "invalid-parameter")
        }
    }

    @Test func `a whole log is whole, and neither gateway nor owner can change it in passing`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 { group.addTask { _ = try await gateway.key(of: alice, scopes: [.eventsRead]) } }
                try await group.waitForAll()
            }
            let verification = try await verify(gateway)
            #expect(verification.flaw == nil && verification.entries == 10 && verification.head.count == 64)
            for change in ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"] {
                await #expect(throws: PostgresError.self) { try await gateway.execute(change) }
                await #expect(throws: PostgresError.self) {
                    try await gateway.execute("SET ROLE collider_gateway; \(change)")
                }
            }
        }
    }

    @Test(arguments: [
        ("UPDATE audit_log SET actor = 'mallory' WHERE sequence = 2", "entry 2 was changed"),
        ("UPDATE audit_log SET at = at + interval '1 second' WHERE sequence = 3", "entry 3 was changed"),
        ("UPDATE audit_log SET details = '{}' WHERE sequence = 3", "entry 3 was changed"),
        ("DELETE FROM audit_log WHERE sequence = 2", "entry 2 is missing"),
        ("DELETE FROM audit_log WHERE sequence = 4", "the log ends at entry 3"),
        ("DELETE FROM audit_log WHERE sequence = 4; UPDATE audit_heads SET sequence = 3", "the head does not fit"),
        (
            """
            DELETE FROM audit_log WHERE sequence = 4;
            UPDATE audit_heads h SET sequence = 3, hash = l.hash FROM audit_log l WHERE l.sequence = 3
            """, "the head does not fit"
        ),
        ("DELETE FROM audit_heads", "the head is missing"),
        (
            "UPDATE audit_log SET actor = 'mallory', hash = sha256('x') WHERE sequence = 4",
            "entry 4 was changed"
        ),
        (
            """
            INSERT INTO audit_log SELECT organization_id, 5, at, actor_kind, actor, address, request_id, action, target,
                details, sha256('x') FROM audit_log WHERE sequence = 4
            """, "entry 5 was changed"
        ),
    ])
    func `whoever owns the tables and changes the log is found out`(_ change: String, _ flaw: String) async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            for _ in 0..<2 { _ = try await gateway.key(of: alice, scopes: [.eventsRead]) }
            #expect(try await verify(gateway).flaw == nil)
            try await gateway.execute("SET session_replication_role = replica; \(change)")
            #expect(try await verify(gateway).flaw?.hasPrefix(flaw) == true)
        }
    }
}
