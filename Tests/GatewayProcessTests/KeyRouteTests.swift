import EventModel
import EventStore
import JSONTree
import PostgresWire
import Runtime
import Testing

@testable import GatewayProcess

@Suite("API keys of an organization")
struct KeyRouteTests {
    private static let event = #"{"type":"A","data":{}}"#

    @Test func `a key is shown once, does what its scopes say, and is noted when used`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            let (key, id) = try await gateway.key(of: alice, scopes: [.eventsWrite])
            #expect(try await key.send("POST", "/api/v1/events", Self.event).status == 201)
            try expectProblem(try await key.send("GET", "/api/v1/events"), 403, "missing-scope")
            let shown = try await alice.api.send("GET", "/api/v1/api-keys/\(id)")
            let listed = try await alice.api.send("GET", "/api/v1/api-keys")
            for answer in [shown, listed] { #expect(!answer.text.contains(try #require(key.key))) }
            #expect(try shown.json["last_used_at"]?.string != nil && shown.json["created_by"]?.string == alice.id)
            #expect(try listed.json["data"]?.count == 1)
            let me = try await key.send("GET", "/api/v1/auth/me").json
            #expect(me["kind"]?.string == "key" && me["id"]?.string == id)
        }
    }

    @Test func `a rotated key works beside its successor, and then no longer`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            let (old, id) = try await gateway.key(
                of: alice, scopes: [.eventsWrite], more: #","allowed_addresses":["127.0.0.0/8"]"#)
            let made = try await alice.api.send(
                "POST", "/api/v1/api-keys/\(id)/rotate", #"{"overlap_seconds":3600}"#)
            #expect(made.status == 201, "\(made.text)")
            var new = old
            new.key = try made.json["api_key"]?.string
            #expect(try made.json["allowed_addresses"]?[0]?.string == "127.0.0.0/8")
            #expect(try await old.send("POST", "/api/v1/events", Self.event).status == 201)
            #expect(try await new.send("POST", "/api/v1/events", Self.event).status == 201)
            let shown = try await alice.api.send("GET", "/api/v1/api-keys/\(id)").json
            #expect(try shown["replaced_by"]?.string == made.json["id"]?.string && shown["expires_at"]?.string != nil)
            try expectProblem(try await alice.api.send("POST", "/api/v1/api-keys/\(id)/rotate"), 409, "conflict")

            let next = try #require(try made.json["id"]?.string)
            let atOnce = try await alice.api.send(
                "POST", "/api/v1/api-keys/\(next)/rotate", #"{"overlap_seconds":0}"#)
            #expect(atOnce.status == 201)
            try expectProblem(try await new.send("POST", "/api/v1/events", Self.event), 401, "unauthenticated")
            new.key = try atOnce.json["api_key"]?.string
            #expect(try await new.send("POST", "/api/v1/events", Self.event).status == 201)
        }
    }

    @Test func `a revoked key is out at once, also of its connection's fast path`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            let (key, id) = try await gateway.key(of: alice, scopes: [.eventsWrite])
            #expect(try await key.send("POST", "/api/v1/events", Self.event).status == 201)
            #expect(try await alice.api.send("DELETE", "/api/v1/api-keys/\(id)").status == 204)
            try expectProblem(try await key.send("POST", "/api/v1/events", Self.event), 401, "unauthenticated")
            try expectProblem(try await alice.api.send("DELETE", "/api/v1/api-keys/\(id)"), 404, "not-found")
            try expectProblem(try await alice.api.send("POST", "/api/v1/api-keys/\(id)/rotate"), 404, "not-found")
        }
    }

    @Test func `a key is let in from its addresses and while it lasts`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            let (elsewhere, _) = try await gateway.key(
                of: alice, scopes: [.admin], more: #","allowed_addresses":["192.0.2.0/24","2001:db8::/32"]"#)
            for _ in 0..<2 {
                try expectProblem(try await elsewhere.send("GET", "/api/v1/events"), 401, "unauthenticated")
                try expectProblem(
                    try await elsewhere.send("POST", "/api/v1/events", Self.event), 401, "unauthenticated")
            }
            let (here, id) = try await gateway.key(
                of: alice, scopes: [.admin], more: #","allowed_addresses":["127.0.0.1"]"#)
            for _ in 0..<2 { #expect(try await here.send("POST", "/api/v1/events", Self.event).status == 201) }
            #expect(try await alice.api.send("GET", "/api/v1/api-keys/\(id)").json["last_used_at"]?.string != nil)

            let soon = Timestamp(microseconds: Timestamp.now().microseconds + 3_600_000_000).rfc3339
            let (lasting, lastingID) = try await gateway.key(
                of: alice, scopes: [.eventsRead], more: #","expires_at":"\#(soon)""#)
            #expect(try await lasting.send("GET", "/api/v1/events").status == 200)
            try await gateway.execute("UPDATE api_keys SET expires_at = now() WHERE id = '\(lastingID)'")
            // Another gateway asks the database.
            let keys = try KeyStore(pool: gateway.pool(), secret: gateway.configuration.jwtSecret)
            #expect(try await keys.authenticate(try #require(lasting.key)) == nil)
            for bad in [
                #""expires_at":"2020-01-01T00:00:00Z""#, #""expires_at":"soon""#, #""allowed_addresses":["x"]"#,
                #""allowed_addresses":["10.0.0.0/33"]"#, #""scopes":["everything"]"#, #""scopes":["organization:own"]"#,
                #""scopes":[]"#,
            ] {
                let scopes = bad.contains("scopes") ? "" : #","scopes":["admin"]"#
                let answer = try await alice.api.send("POST", "/api/v1/api-keys", #"{"name":"x",\#(bad)\#(scopes)}"#)
                try expectProblem(answer, 422, "validation-failed")
            }
        }
    }

    @Test func `nobody makes a key that may do more than they may`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            let (small, _) = try await gateway.key(of: alice, scopes: [.keysWrite, .keysRead, .eventsRead])
            let (_, big) = try await gateway.key(of: alice, scopes: [.admin])
            for scopes in [#"["admin"]"#, #"["events:write"]"#, #"["events:read","audit:read"]"#] {
                let answer = try await small.send("POST", "/api/v1/api-keys", #"{"name":"x","scopes":\#(scopes)}"#)
                try expectProblem(answer, 403, "forbidden")
            }
            try expectProblem(try await small.send("POST", "/api/v1/api-keys/\(big)/rotate"), 403, "forbidden")
            try expectProblem(try await small.send("DELETE", "/api/v1/api-keys/\(big)"), 403, "forbidden")
            let equal = try await small.send(
                "POST", "/api/v1/api-keys", #"{"name":"x","scopes":["events:read","keys:read"]}"#)
            #expect(equal.status == 201, "\(equal.text)")
        }
    }

    @Test func `no key makes one that outlives it, or that is let in from elsewhere`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            func time(_ hours: Int64) -> String {
                Timestamp(microseconds: Timestamp.now().microseconds + hours * 3_600_000_000).rfc3339
            }
            let (_, free) = try await gateway.key(of: alice, scopes: [.admin])
            let (ending, _) = try await gateway.key(
                of: alice, scopes: [.admin], more: #","expires_at":"\#(time(2))""#)
            let (local, _) = try await gateway.key(
                of: alice, scopes: [.admin], more: #","allowed_addresses":["127.0.0.0/8"]"#)
            func make(_ caller: HTTPExchange, _ more: String) async throws -> HTTPExchange.Answer {
                try await caller.send("POST", "/api/v1/api-keys", #"{"name":"x","scopes":["admin"]\#(more)}"#)
            }
            for more in ["", #","expires_at":"\#(time(3))""#] {
                try expectProblem(try await make(ending, more), 403, "forbidden")
            }
            for addresses in ["", #","allowed_addresses":[]"#, #","allowed_addresses":["127.0.0.1","0.0.0.0/0"]"#] {
                try expectProblem(try await make(local, addresses), 403, "forbidden")
            }
            for caller in [ending, local] {
                let rotated = try await caller.send("POST", "/api/v1/api-keys/\(free)/rotate")
                try expectProblem(rotated, 403, "forbidden")
            }
            #expect(try await make(ending, #","expires_at":"\#(time(1))""#).status == 201)
            #expect(try await make(local, #","allowed_addresses":["127.0.0.1"]"#).status == 201)
        }
    }
}
