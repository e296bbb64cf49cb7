import EventModel
import EventStore
import Foundation
import HTTPTypes
import JSONTree
import PostgresWire
import Runtime
import TestKit
import Testing

@testable import GatewayProcess

/// Walks over every route there is: as another tenant, with each role, with each scope, and as nobody.
@Suite("Every route, whoever asks")
struct CrawlTests {
    /// In everything that the one tenant has; nothing of it may come to the other.
    static let marker = "marker-of-one"
    static let nobody = "018f0000-0000-7000-8000-000000000000"

    static let trigger = """
        {"name": "\(marker)", "condition": {"field": "data.amount", "operator": "gt", "value": 1},
         "actions": [{"type": "rest", "config": {"url": "https://\(marker).example/hook"}}]}
        """
    private static let source = """
        {"name": "\(marker)", "event_type": {"header": "X-GitHub-Event"},
         "verification": {"scheme": "github", "secrets": ["\(marker)"]}}
        """
    /// Bodies that get past the reading of the body, so that the id is what is refused.
    private static let bodies = [
        "PUT /api/v1/triggers/{id}": trigger.replacing(marker, with: "other"),
        "PATCH /api/v1/triggers/{id}": #"{"enabled":false}"#,
        "PUT /api/v1/triggers/{id}/shadow": trigger.replacing(marker, with: "other"),
        "POST /api/v1/triggers/{id}/backtest": #"{"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z"}"#,
        "PATCH /api/v1/triggers/{id}/circuit-breaker": #"{"state":"open"}"#,
        "PUT /api/v1/sources/{id}": source.replacing(marker, with: "other"),
        "PATCH /api/v1/organizations/{id}": #"{"name":"taken over"}"#,
        "POST /api/v1/organizations/{id}/transfer": #"{"person_id":"\#(nobody)"}"#,
        "POST /api/v1/organizations/{id}/invitations": #"{"email":"x@example.com","role":"viewer"}"#,
        "PATCH /api/v1/organizations/{id}/members/{person_id}": #"{"role":"viewer"}"#,
        "POST /api/v1/api-keys/{id}/rotate": #"{"overlap_seconds":0}"#,
    ]
    /// The path of a source's deliveries is its key: who knows it may send.
    private static let open: Set<String> = ["POST /hooks/{key}"]

    struct Route {
        let method: HTTPRequest.Method
        let path: String
        let scope: Scope?

        var name: String { "\(method.rawValue) \(path)" }
        var parameters: [Substring] { path.split(separator: "/").filter { $0.hasPrefix("{") } }

        func filled(_ value: (Substring) -> String) -> String {
            path.split(separator: "/").map { "/" + ($0.hasPrefix("{") ? value($0) : String($0)) }.joined()
        }
    }

    static func routes(_ gateway: IdentityGateway) async throws -> [Route] {
        let context = ProcessContext(
            name: "api-gateway", configuration: gateway.configuration, logger: testLogger)
        let resources = try await GatewayProcess.parts(context, tuning: identityTuning()).resources
        let table = GatewayServer.table(resources, gateway.configuration.server)
        return table.declared.map { Route(method: $0.method, path: $0.path, scope: $0.scope) }
    }

    // MARK: Two tenants

    /// Something of every kind; the ids, by what they are of.
    static func furnish(_ gateway: IdentityGateway, _ one: Account) async throws -> [String: String] {
        func made(_ method: String, _ path: String, _ body: String) async throws -> JSONValue {
            let answer = try await one.api.send(method, path, body)
            #expect((200..<300).contains(answer.status), "\(method) \(path): \(answer.text)")
            return try answer.json
        }
        func id(_ path: String, _ body: String) async throws -> String {
            try #require(try await made("POST", path, body)["id"]?.string)
        }
        var ids: [String: String] = [:]
        ids["event"] = try await id("/api/v1/events", #"{"type":"\#(marker)","data":{"amount":5,"x":"\#(marker)"}}"#)
        ids["trigger"] = try await id("/api/v1/triggers", trigger)
        let shadow = "/api/v1/triggers/\(ids["trigger"] ?? "")/shadow"
        _ = try await made("PUT", shadow, trigger.replacing("\"value\": 1", with: "\"value\": 2"))
        ids["backtest"] = try await id(
            "/api/v1/triggers/\(ids["trigger"] ?? "")/backtest",
            #"{"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z"}"#)
        ids["source"] = try await id("/api/v1/sources", source)
        ids["key"] = try await gateway.key(of: one, scopes: [.eventsRead]).id
        _ = try await made(
            "PATCH", "/api/v1/triggers/\(ids["trigger"] ?? "")/circuit-breaker", #"{"state":"open"}"#)
        ids["breaker"] = try await one.api.send("GET", "/api/v1/circuit-breakers").json["data"]?[0]?["id"]?.string
        let invitations = "/api/v1/organizations/\(one.organization)/invitations"
        ids["invitation"] = try await id(invitations, #"{"email":"\#(marker)@example.com","role":"viewer"}"#)
        ids["organization"] = one.organization
        ids["person"] = one.id
        (ids["delivery"], ids["firing"]) = (UniqueID.generate().description, UniqueID.generate().description)
        try await gateway.execute(
            """
            INSERT INTO firings (id, created_at, organization_id, trigger_id, trigger_version, event_id,
                event_received_at, part, position, at, role, explanation)
            SELECT f.id, f.made, e.organization_id, '\(ids["trigger"] ?? "")', 1, e.id, e.received_at, e.part,
                e.position, e.received_at, 'live', '{"value": true}'
            FROM events e, \(Self.stamped(ids["firing"])) f WHERE e.id = '\(ids["event"] ?? "")';
            INSERT INTO deliveries (id, created_at, organization_id, firing_id, trigger_id, trigger_version, event_id,
                event_received_at, action_index, kind, max_attempts, run_at, pushed_at, status, finished_at, attempt)
            SELECT f.id, f.made, e.organization_id, '\(ids["firing"] ?? "")', '\(ids["trigger"] ?? "")', 1, e.id,
                e.received_at, 0, 'rest', 1, now(), now(), 'dead', now(), 1
            FROM events e, \(Self.stamped(ids["delivery"])) f WHERE e.id = '\(ids["event"] ?? "")'
            """)
        ids["replay"] = try await id("/api/v1/deliveries/replay", #"{"filter":{"status":"dead"}}"#)
        ids["type"] = marker
        return ids
    }

    /// An id and the time in it, as a table.
    private static func stamped(_ id: String?) -> String {
        let milliseconds = id.flatMap { UniqueID($0) }?.timestampMilliseconds ?? 0
        return "(SELECT '\(id ?? "")'::uuid AS id, to_timestamp(\(milliseconds) / 1000.0) AS made)"
    }

    /// Everything that a tenant can list or read of its own.
    static func view(_ account: Account, _ ids: [String: String]) async throws -> [String: String] {
        var view: [String: String] = [:]
        let paths =
            ["events", "triggers", "backtests", "sources", "api-keys", "circuit-breakers", "firings", "deliveries"]
            + ["replays", "audit", "organizations", "organizations/\(account.organization)"]
            + ["organizations/\(account.organization)/members", "organizations/\(account.organization)/invitations"]
            + ["triggers/\(ids["trigger"] ?? "")", "triggers/\(ids["trigger"] ?? "")/shadow"]
            + ["deliveries/\(ids["delivery"] ?? "")", "firings/\(ids["firing"] ?? "")"]
        for path in paths {
            let answer = try await account.api.send("GET", "/api/v1/\(path)")
            #expect(answer.status == 200, "\(path): \(answer.text)")
            view[path] = answer.text
        }
        return view
    }

    @Test func `nothing of one tenant comes to another, and nothing of it can be changed`() async throws {
        try await withIdentityGateway { gateway in
            let one = try await gateway.register("one")
            let ids = try await Self.furnish(gateway, one)
            #expect(ids.count == 13)
            let before = try await Self.view(one, ids)
            #expect(before["triggers"]?.contains(Self.marker) == true)
            let other = try await gateway.register("other")
            let key = try await gateway.key(of: other, scopes: [.admin]).api
            var requests = 0
            for route in try await Self.routes(gateway) where !Self.open.contains(route.name) {
                for caller in [other.api, key] {
                    requests += try await cross(route, caller, ids, own: other.organization)
                }
            }
            #expect(requests > 1_000)
            for kind in ["trigger_id", "event_id"] {
                let filter = #"{"\#(kind)":"\#(ids[kind.replacing("_id", with: "")] ?? "")"}"#
                for status in ["dead", "succeeded"] {
                    let body = #"{"filter":\#(filter.dropLast()),"status":"\#(status)"}}"#
                    let replay = try await other.api.send("POST", "/api/v1/deliveries/replay", body)
                    #expect(!replay.text.contains(Self.marker))
                }
                let purged = try await other.api.send("POST", "/api/v1/deliveries/purge", #"{"filter":\#(filter)}"#)
                #expect(try purged.json["purged"]?.int64 == 0, "\(purged.text)")
            }
            let after = try await Self.view(one, ids)
            for (path, text) in before { #expect(after[path] == text, "\(path) has changed") }
        }
    }

    /// Asks one route with every id of another tenant, in its path or as a filter; returns how often.
    private func cross(
        _ route: Route, _ caller: HTTPExchange, _ ids: [String: String], own: String
    ) async throws -> Int {
        func ask(_ path: String, _ id: String) async throws -> HTTPExchange.Answer {
            let answer = try await caller.send(
                route.method.rawValue, path, route.method == .get ? nil : Self.bodies[route.name])
            let text = answer.text.replacing(id, with: "")
            for (kind, secret) in ids where text.contains(secret) {
                Issue.record("\(route.name) with the id \(id) tells the \(kind): \(answer.text)")
            }
            #expect(!text.contains(Self.marker), "\(route.name): \(answer.text)")
            return answer
        }
        guard !route.parameters.isEmpty else {
            // A stream of all events never ends by itself.
            guard route.method == .get, !route.path.hasSuffix("/stream") else { return 0 }
            for name in ["", "trigger", "event", "trigger_id", "event_id", "actor", "type", "subject", "cursor", "q"] {
                for id in name.isEmpty ? [""] : ids.values.sorted() {
                    let answer = try await ask(name.isEmpty ? route.path : "\(route.path)?\(name)=\(id)", id)
                    #expect(answer.status == 200 || answer.status == 400 || answer.status == 403, "\(answer.text)")
                }
            }
            return 1
        }
        for id in ids.values {
            let query = route.path.hasSuffix("/explain") ? "?trigger=\(id)" : ""
            let answer = try await ask(route.filled { $0 == "{n}" || $0 == "{m}" ? "1" : id } + query, id)
            // A key can't own an organization, nor be a person.
            let isRefused = answer.status == 404 || answer.status == 403 && route.isForPeople
            // Firings outlive their trigger, so that their list is empty for an id that nobody has, too.
            let isEmpty = answer.text == #"{"data":[],"next_cursor":null}"#
            let isAnswered = isRefused || isEmpty && route.path == "/api/v1/triggers/{id}/firings"
            #expect(isAnswered, "\(route.name) with \(id) answers \(answer.status): \(answer.text)")
        }
        guard route.parameters.count == 2, route.path.contains("/organizations/{id}") else { return ids.count }
        for id in ids.values {
            let answer = try await ask(route.filled { $0 == "{id}" ? own : id }, id)
            #expect(answer.status == 404, "\(route.name) with \(id) answers \(answer.status): \(answer.text)")
        }
        return ids.count * 2
    }

    // MARK: Roles and scopes

    @Test func `every role and every scope opens what the table says, and nothing else`() async throws {
        try await withIdentityGateway { gateway in
            let owner = try await gateway.register("owner")
            var callers = [("owner", owner.api, Role.owner.scopes)]
            for role in Role.allCases where role != .owner {
                let account = try await gateway.join(owner, as: role, role.rawValue)
                callers.append((role.rawValue, account.api, role.scopes))
            }
            for scope in Scope.ofKeys {
                let key = try await gateway.key(of: owner, scopes: [scope]).api
                callers.append((scope.rawValue, key, Scope.expand([scope])))
            }
            let routes = try await Self.routes(gateway)
            #expect(Set(routes.compactMap(\.scope)).union([.admin]) == Set(Scope.allCases))
            for (name, api, scopes) in callers {
                for route in routes {
                    guard let scope = route.scope else { continue }
                    let answer = try await ask(route, api)
                    let missing = answer.status == 403 ? try answer.json["scope"]?.string : nil
                    // Some show events too, or what a trigger made of them, and need a second scope for that.
                    let isLetIn = answer.status != 401 && answer.status != 403
                    let lacksSecond = missing == "events:read" || missing == "triggers:read"
                    let isRight =
                        scopes.contains(scope)
                        ? isLetIn || lacksSecond && !scopes.contains { $0.rawValue == missing }
                        : missing == scope.rawValue
                    #expect(isRight, "\(name) at \(route.name): \(answer.status) \(answer.text)")
                }
            }
            let nobody = gateway.api
            for route in routes where route.scope != nil {
                try expectProblem(try await ask(route, nobody), 401, "unauthenticated")
            }
        }
    }

    /// Asks for what is not there, with a body that can't be read: enough to be let in, and nothing comes of it.
    private func ask(_ route: Route, _ api: HTTPExchange) async throws -> HTTPExchange.Answer {
        let path = route.filled { $0 == "{n}" || $0 == "{m}" ? "1" : Self.nobody }
        let isStream = route.path == "/api/v1/events/stream"
        let method = isStream ? .head : route.method
        let hasBody = [.post, .put, .patch].contains(method)
        let answer = try await api.send(method.rawValue, path, hasBody ? "{" : nil)
        // An answer to HEAD has no body to look at.
        guard isStream, answer.status >= 400 else { return answer }
        return try await api.send("GET", path + "?last_event_id=x")
    }

    @Test func `the table of rights in the docs is the one in the code`() throws {
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        let text = try String(contentsOfFile: folder.joined(separator: "/") + "/docs/identity.md", encoding: .utf8)
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("| `") && $0.split(separator: "|").count == 5 }
        let shown = lines.map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        }
        let rights = Role.rights.map { right in
            ["`\(right.scope.rawValue)`"] + Role.allCases.map { right.roles.contains($0) ? "yes" : "–" }
        }
        #expect(shown == rights)
        #expect(Set(Role.rights.map(\.scope)) == Set(Scope.allCases))
    }
}

extension CrawlTests.Route {
    fileprivate var isForPeople: Bool {
        scope == .organizationOwn || path.hasSuffix("/leave")
    }
}
