import EventModel
import EventStore
import HTTPTypes
import JSONTree
import PostgresWire
import Runtime
import TestKit
import Testing

@testable import GatewayProcess

/// Walks over every route that changes something.
@Suite("Every change and its entry in the audit log are one")
struct AuditedChangeTests {
    /// Those that change nothing, or nothing but the log of events and sessions that go on.
    private static let unaudited: Set<String> = [
        "POST /api/v1/events", "POST /api/v1/ingest", "POST /ingest", "POST /hooks/{key}", "POST /api/v1/triggers/test",
        "POST /api/v1/triggers/calibrate", "POST /api/v1/auth/refresh",
    ]
    /// What is counted and noted about attempts is no change of a tenant's.
    private static let aside = ["audit_log", "audit_heads", "login_failures", "login_places"]

    private static let trigger = """
        {"name": "t", "enabled": ENABLED, "condition": {"field": "data.amount", "operator": "gt", "value": VALUE},
         "actions": [{"type": "rest", "config": {"url": "https://example.com/hook"}}]}
        """
    private static let source = """
        {"name": "s", "event_type": {"header": "X-GitHub-Event"},
         "verification": {"scheme": "github", "secrets": ["secret-of-s"]}}
        """

    private static func trigger(_ value: Int, enabled: Bool = true) -> String {
        trigger.replacing("VALUE", with: "\(value)").replacing("ENABLED", with: "\(enabled)")
    }

    /// One request, and the actions that its entries name.
    private struct Step {
        let route: String
        var body: String?
        let actions: [String]
        /// Who asks, among the accounts; nobody without.
        var caller: String? = "alice"
        /// The name that the id of the answer, or its token, is kept under.
        var keep: String?

        init(
            _ route: String, _ body: String? = nil, _ actions: String..., by caller: String? = "alice",
            keep: String? = nil
        ) {
            self.route = route
            self.body = body
            self.actions = actions
            self.caller = caller
            self.keep = keep
        }
    }

    private static let people: [Step] = [
        Step(
            "POST /api/v1/auth/register", #"{"username":"dan","email":"dan@example.com","password":"correct horse"}"#,
            "organization.created", by: nil),
        Step(
            "POST /api/v1/auth/login", #"{"email":"dan@example.com","password":"correct horse"}"#, "session.opened",
            by: nil),
        Step(
            "POST /api/v1/auth/password", #"{"current_password":"correct horse","new_password":"battery staple"}"#,
            "password.changed", by: "carol"),
        Step("POST /api/v1/auth/logout", nil, "session.closed", by: "carol"),
        Step("POST /api/v1/organizations", #"{"name":"second"}"#, "organization.created"),
        Step("PATCH /api/v1/organizations/{id}", #"{"name":"renamed"}"#, "organization.renamed"),
        Step(
            "POST /api/v1/organizations/{id}/invitations", #"{"email":"eve@example.com","role":"viewer"}"#,
            "invitation.created", keep: "invitation_id"),
        Step(
            "DELETE /api/v1/organizations/{id}/invitations/{invitation_id}", nil, "invitation.taken-back"),
        Step(
            "POST /api/v1/organizations/{id}/invitations", #"{"email":"bob@example.com","role":"viewer"}"#,
            "invitation.created", keep: "token"),
        Step("POST /api/v1/invitations/accept", #"{"token":"TOKEN"}"#, "invitation.accepted", by: "bob"),
        Step(
            "PATCH /api/v1/organizations/{id}/members/{person_id}", #"{"role":"member"}"#, "member.role-changed"),
        Step("DELETE /api/v1/organizations/{id}/members/{person_id}", nil, "member.removed"),
        Step("POST /api/v1/organizations/{id}/leave", nil, "member.removed", by: "member"),
        Step(
            "POST /api/v1/api-keys", #"{"name":"k","scopes":["events:read"]}"#, "key.created", keep: "key"),
        Step("POST /api/v1/api-keys/{key}/rotate", nil, "key.rotated"),
        Step("DELETE /api/v1/api-keys/{key}", nil, "key.revoked"),
    ]

    private static let triggers: [Step] = [
        Step("POST /api/v1/triggers", trigger(1), "trigger.created", keep: "trigger"),
        Step("PUT /api/v1/triggers/{trigger}", trigger(2), "trigger.updated"),
        Step("PATCH /api/v1/triggers/{trigger}", #"{"enabled":false}"#, "trigger.disabled"),
        Step("PUT /api/v1/triggers/{trigger}/shadow", trigger(3), "trigger.shadow-set"),
        Step("DELETE /api/v1/triggers/{trigger}/shadow", nil, "trigger.shadow-ended"),
        Step("PUT /api/v1/triggers/{trigger}/shadow", trigger(4), "trigger.shadow-set"),
        Step(
            "POST /api/v1/triggers/{trigger}/shadow/promote", nil, "trigger.shadow-promoted", "trigger.enabled"),
        Step("POST /api/v1/triggers/{trigger}/versions/1/rollback", nil, "trigger.updated"),
        Step(
            "POST /api/v1/triggers/{trigger}/backtest", #"{"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z"}"#,
            "backtest.created", keep: "backtest"),
        Step("DELETE /api/v1/backtests/{backtest}", nil, "backtest.cancelled"),
        Step(
            "POST /api/v1/triggers/backtest",
            #"{"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z","trigger":\#(trigger(1))}"#,
            "backtest.created"),
        Step(
            "PATCH /api/v1/triggers/{trigger}/circuit-breaker", #"{"state":"open"}"#, "breaker.opened"),
        Step("POST /api/v1/triggers/{trigger}/circuit-breaker/reset", nil, "breaker.closed"),
        Step("POST /api/v1/sources", source, "source.created", keep: "source"),
        Step("PUT /api/v1/sources/{source}", source, "source.updated"),
        Step("DELETE /api/v1/sources/{source}", nil, "source.deleted"),
    ]

    private static let deliveries: [Step] = [
        Step("POST /api/v1/deliveries/{delivery}/retry", nil, "delivery.retried"),
        Step("POST /api/v1/deliveries/{delivery}/cancel", nil, "delivery.cancelled"),
        Step(
            "POST /api/v1/deliveries/replay", #"{"filter":{"status":"cancelled"}}"#, "replay.created", keep: "replay"),
        Step("DELETE /api/v1/replays/{replay}", nil, "replay.cancelled"),
        Step("POST /api/v1/deliveries/purge", #"{"filter":{"status":"cancelled"}}"#, "deliveries.purged"),
        Step("DELETE /api/v1/triggers/{trigger}", nil, "trigger.deleted"),
        Step("POST /api/v1/organizations/{id}/transfer", #"{"person_id":"PERSON"}"#, "organization.transferred"),
    ]

    @Test func `a change whose entry can't be written is not made, and one that is made has its entry`() async throws {
        try await withIdentityGateway { gateway in
            var accounts: [String: Account] = [:]
            for name in ["alice", "bob", "carol"] { accounts[name] = try await gateway.register(name) }
            let alice = try #require(accounts["alice"])
            accounts["member"] = try await gateway.join(alice, as: .member, "member")
            let heir = try await gateway.join(alice, as: .admin, "heir")
            var known = ["id": alice.organization, "person_id": try #require(accounts["bob"]).id, "person": heir.id]
            for step in Self.people + Self.triggers {
                try await walk(step, gateway, accounts, &known)
            }
            known["delivery"] = try await furnish(gateway, alice, try #require(known["trigger"]))
            for step in Self.deliveries { try await walk(step, gateway, accounts, &known) }

            let walked = Set((Self.people + Self.triggers + Self.deliveries).map { Self.pattern($0.route) })
            let changing = try await CrawlTests.routes(gateway).filter { $0.method != .get }.map(\.name)
            let names = Set(changing.map { Self.pattern($0) })
            #expect(names == walked.union(Self.unaudited.map { Self.pattern($0) }))
        }
    }

    /// A route without the names of its parameters.
    private static func pattern(_ route: String) -> String {
        route.split(separator: "/").map { $0.hasPrefix("{") || $0 == "1" ? "{}" : String($0) }.joined(separator: "/")
    }

    private func walk(
        _ step: Step, _ gateway: IdentityGateway, _ accounts: [String: Account], _ known: inout [String: String]
    ) async throws {
        let api = step.caller.flatMap { accounts[$0]?.api } ?? gateway.api
        let words = step.route.split(separator: " ")
        let path = words[1].split(separator: "/").map { part in
            "/" + (part.hasPrefix("{") ? known[String(part.dropFirst().dropLast())] ?? "" : String(part))
        }.joined()
        let body = step.body?.replacing("TOKEN", with: known["token"] ?? "")
            .replacing("PERSON", with: known["person"] ?? "")
        let before = try await gateway.dump(without: Self.aside)
        let entries = try await gateway.actions()

        try await gateway.execute("REVOKE INSERT ON audit_log FROM collider_gateway, collider_identity")
        let refused = try await api.send(String(words[0]), path, body)
        try await gateway.execute("GRANT INSERT ON audit_log TO collider_gateway, collider_identity")
        #expect(refused.status == 500, "\(step.route): \(refused.text)")
        #expect(try await gateway.dump(without: Self.aside) == before, "\(step.route) has changed something")
        #expect(try await gateway.actions() == entries)

        let done = try await api.send(String(words[0]), path, body)
        #expect((200..<300).contains(done.status), "\(step.route): \(done.text)")
        #expect(try await gateway.actions() == entries + step.actions, "\(step.route)")
        guard let name = step.keep else { return }
        known[name] = try done.json[name == "token" ? "token" : "id"]?.string
    }

    /// A delivery that is dead.
    private func furnish(_ gateway: IdentityGateway, _ account: Account, _ trigger: String) async throws -> String {
        let event = try await account.api.send("POST", "/api/v1/events", #"{"type":"A","data":{}}"#)
        let id = UniqueID.generate()
        try await gateway.execute(
            """
            INSERT INTO deliveries (id, created_at, organization_id, firing_id, trigger_id, trigger_version, event_id,
                event_received_at, action_index, kind, max_attempts, run_at, pushed_at, status, finished_at, attempt)
            SELECT '\(id)', to_timestamp(\(id.timestampMilliseconds) / 1000.0), organization_id, id, '\(trigger)', 1, id,
                received_at, 0, 'rest', 1, now(), now(), 'dead', now(), 1
            FROM events WHERE id = '\(try #require(try event.json["id"]?.string))'
            """)
        return id.description
    }
}

extension IdentityGateway {
    /// The actions of all entries of the audit log, of all organizations, in their order.
    func actions() async throws -> [String] {
        try await withTestConnection(database) { connection in
            try await connection.query(
                PostgresStatement("test_actions", "SELECT action FROM audit_log ORDER BY at, sequence")
            ).map { try $0.decode(0) }
        }
    }
}
