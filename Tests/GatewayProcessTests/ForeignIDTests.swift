import EventStore
import HTTPTypes
import JSONTree
import Testing

@testable import GatewayProcess

/// What ``CrawlTests`` asks with ids in paths and filters, with ids in bodies; and what is open without any rights.
@Suite("Ids of another tenant in bodies, and doors without a lock")
struct ForeignIDTests {
    /// The bodies in which routes without parameters take an id, or what may be mistaken for one.
    private static func bodies(_ id: String, _ other: Account) -> [String: [String]] {
        let calibration = #""condition":{"similar_to":"x","field":"x"},"from":"2026-01-01T00:00:00Z""#
        let login = #""email":"\#(other.email)","password":"\#(Account.password)""#
        let person = #""username":"new","email":"new@example.com","password":"\#(Account.password)""#
        return [
            "POST /api/v1/events": [#"{"type":"A","data":{},"cause":"\#(id)"}"#],
            "POST /api/v1/triggers/test": [
                #"{"trigger":{"name":"t","actions":[]},"event":{"type":"A","data":{},"id":"\#(id)"}}"#
            ],
            "POST /api/v1/triggers/calibrate": [#"{\#(calibration),"positives":["\#(id)"]}"#],
            "POST /api/v1/deliveries/replay": [
                #"{"filter":{"status":"dead","trigger_id":"\#(id)"}}"#, #"{"filter":{"event_id":"\#(id)"}}"#,
                #"{"events":{"id":"\#(id)"}}"#, #"{"events":{"id":"\#(id)"},"trigger_id":"\#(id)"}"#,
            ],
            "POST /api/v1/deliveries/purge": [
                #"{"filter":{"trigger_id":"\#(id)"}}"#, #"{"filter":{"event_id":"\#(id)"}}"#,
            ],
            "POST /api/v1/auth/login": [#"{\#(login),"organization_id":"\#(id)"}"#],
            "POST /api/v1/auth/refresh": [
                #"{"refresh_token":"\#(other.refreshToken)","organization_id":"\#(id)"}"#,
                #"{"refresh_token":"\#(id)"}"#,
            ],
            "POST /api/v1/auth/register": [#"{\#(person),"invitation":"\#(id)"}"#],
            "POST /api/v1/invitations/accept": [#"{"token":"\#(id)"}"#],
        ]
    }

    /// Those whose bodies hold no ids.
    private static let withoutIDs: Set<String> = [
        "POST /api/v1/ingest", "POST /ingest", "POST /api/v1/triggers", "POST /api/v1/triggers/backtest",
        "POST /api/v1/sources", "POST /api/v1/api-keys", "POST /api/v1/organizations", "POST /api/v1/auth/logout",
        "POST /api/v1/auth/password",
    ]
    /// Those that must refuse every one of them; the others find nothing.
    private static let refusing: Set<String> = [
        "POST /api/v1/events", "POST /api/v1/auth/login", "POST /api/v1/auth/refresh", "POST /api/v1/auth/register",
        "POST /api/v1/invitations/accept",
    ]

    @Test func `no body that names something of another tenant is told of it, or changes it`() async throws {
        try await withIdentityGateway { gateway in
            let one = try await gateway.register("one")
            let ids = try await CrawlTests.furnish(gateway, one)
            let before = try await CrawlTests.view(one, ids)
            let other = try await gateway.register("other")
            let routes = try await CrawlTests.routes(gateway).filter { $0.method != .get && $0.parameters.isEmpty }
            let known = Self.bodies("", other).keys
            #expect(Set(routes.map(\.name)) == Self.withoutIDs.union(known))
            for route in routes {
                for (kind, id) in ids {
                    for body in Self.bodies(id, other)[route.name] ?? [] {
                        let answer = try await other.api.send(route.method.rawValue, route.path, body)
                        let text = answer.text.replacing(id, with: "")
                        let leaks = ids.values.filter { text.contains($0) } + [CrawlTests.marker].filter(text.contains)
                        #expect(leaks.isEmpty && answer.status < 500, "\(route.name) \(body): \(answer.text)")
                        guard Self.refusing.contains(route.name) else { continue }
                        let isRefused = [400, 401, 404, 422].contains(answer.status)
                        #expect(isRefused, "\(route.name) with the \(kind): \(answer.status) \(answer.text)")
                    }
                }
            }
            for (kind, id) in ids {
                let stream = try await other.api.send("GET", "/api/v1/events/stream?last_event_id=\(id)")
                #expect(stream.status == 400, "a stream after the \(kind): \(stream.status)")
            }
            let after = try await CrawlTests.view(one, ids)
            for (path, text) in before { #expect(after[path] == text, "\(path) has changed") }
            #expect(try await gateway.refresh(other.refreshToken).status == 200, "the refused were no use of it")
        }
    }

    /// Everything that asks for nobody.
    private static let open: Set<String> = [
        "GET /livez", "GET /readyz", "GET /metrics", "GET /health", "GET /api/v1/health", "GET /openapi.json",
        "GET /api/v1/openapi.json", "GET /docs", "POST /hooks/{key}", "POST /api/v1/auth/register",
        "POST /api/v1/auth/login", "POST /api/v1/auth/refresh",
    ]
    /// What is open to whoever is known, person or key.
    private static let common: Set<String> = ["GET /api/v1/auth/me", "GET /api/v1/organizations"]

    @Test func `routes without a scope ask for somebody, or stand on the list of those that do not`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            let (key, _) = try await gateway.key(of: alice, scopes: [.admin])
            for route in try await CrawlTests.routes(gateway) where route.scope == nil {
                guard !Self.open.contains(route.name) else { continue }
                let path = route.filled { _ in alice.organization }
                let body = route.method == .get ? nil : "{}"
                let nobody = try await gateway.api.send(route.method.rawValue, path, body)
                try expectProblem(nobody, 401, "unauthenticated")
                let answer = try await key.send(route.method.rawValue, path, body)
                #expect(answer.status == (Self.common.contains(route.name) ? 200 : 403), "\(route.name)")
            }
            #expect(Self.open.isSubset(of: try await CrawlTests.routes(gateway).map(\.name)))
        }
    }

    @Test func `forged credentials open nothing, and the good ones beside them do`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            let token = try #require(alice.api.key)
            let (api, id) = try await gateway.key(of: alice, scopes: [.eventsRead, .eventsWrite])
            let key = try #require(api.key)
            let parts = token.split(separator: ".").map(String.init)
            let forged = [
                "\(parts[0]).\(parts[1]).", "\(parts[0]).\(parts[1]).\(parts[1])", "eyJhbGciOiJub25lIn0.\(parts[1]).",
                token + "A", String(token.dropLast()), key.dropLast() + (key.hasSuffix("0") ? "1" : "0"), key + "0",
                "ck_\(id)_", "ck_\(id)", id, "ck_0000000000000000_" + key.suffix(64), " ", "a b", "ck_",
            ]
            var stranger = gateway.api
            for credential in forged + [String(repeating: "x", count: 9_000)] {
                stranger.key = credential
                let refused = try await stranger.send("GET", "/api/v1/events")
                #expect(refused.status == 401, "\(credential.prefix(200)): \(refused.text)")
                #expect(!refused.text.contains(credential.suffix(32)) || credential.count < 8)
                let posted = try await stranger.send("POST", "/api/v1/events", #"{"type":"A","data":{}}"#)
                #expect(posted.status == 401)
                #expect(try await alice.api.send("GET", "/api/v1/events").status == 200)
                #expect(try await api.send("POST", "/api/v1/events", #"{"type":"A","data":{}}"#).status == 201)
            }
        }
    }
}
