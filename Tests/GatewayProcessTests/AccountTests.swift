import EventStore
import Identity
import JSONTree
import PostgresWire
import Runtime
import TestKit
import Testing

@Suite("People and sessions")
struct AccountTests {
    @Test func `a person registers, owns an organization, logs in and is known`() async throws {
        try await withIdentityGateway { gateway in
            let made = try await gateway.api.send(
                "POST", "/api/v1/auth/register",
                #"{"username":"Alice","email":"Alice@example.com","password":"correct horse"}"#)
            #expect(made.status == 201 && !made.text.contains("horse"), "\(made.text)")
            #expect(made.headers["cache-control"] == "no-store")
            #expect(try made.json["organization"]?["role"]?.string == "owner")
            let alice = try await gateway.logIn("alice@EXAMPLE.com")
            let me = try await alice.api.send("GET", "/api/v1/auth/me").json
            #expect(me["username"]?.string == "Alice" && me["kind"]?.string == "person")
            #expect(me["role"]?.string == "owner" && me["organizations"]?.count == 1)
            #expect(me["scopes"]?.elements.compactMap(\.string).contains("organization:own") == true)
            #expect(try await alice.api.send("POST", "/api/v1/events", #"{"type":"A","data":{}}"#).status == 201)
            #expect(try await alice.api.send("GET", "/api/v1/events").json["data"]?.count == 1)
        }
    }

    @Test func `a body that will not do says where`() async throws {
        try await withIdentityGateway { gateway in
            let path = "/api/v1/auth/register"
            let answer = try await gateway.api.send(
                "POST", path, #"{"username":" ","email":"nobody","password":"short","rôle":1}"#)
            try expectProblem(answer, 422, "validation-failed")
            let pointers = try answer.json["errors"]?.elements.compactMap { $0["pointer"]?.string } ?? []
            #expect(Set(pointers) == ["/username", "/email", "/password", "/rôle"])
            #expect(!answer.text.contains("short\""))
            try expectProblem(try await gateway.api.send("POST", path, "{"), 400, "malformed-json")
            try expectProblem(try await gateway.api.send("POST", path + "?x=1", "{}"), 400, "invalid-parameter")
            _ = try await gateway.register("alice")
            for (name, email) in [("ALICE", "other@example.com"), ("other", "Alice@Example.com")] {
                let twice = try await gateway.api.send(
                    "POST", path, #"{"username":"\#(name)","email":"\#(email)","password":"correct horse"}"#)
                try expectProblem(twice, 409, "conflict")
            }
        }
    }

    @Test func `a name that an organization has already is no reason not to register`() async throws {
        try await withIdentityGateway { gateway in
            _ = try await makeKey(gateway.configuration, organization: "acme", scopes: [.admin])
            let acme = try await gateway.register("acme")
            let own = try await acme.api.send("GET", "/api/v1/organizations").json["data"]
            #expect(own?.count == 1 && own?[0]?["name"]?.string?.hasPrefix("acme-") == true)
        }
    }

    @Test func `a wrong password and an unknown address look the same`() async throws {
        try await withIdentityGateway { gateway in
            _ = try await gateway.register("alice")
            let wrong = try await gateway.tryLogIn("alice@example.com", password: "incorrect horse")
            let unknown = try await gateway.tryLogIn("nobody@example.com")
            try expectProblem(wrong, 401, "unauthenticated")
            try expectProblem(unknown, 401, "unauthenticated")
            #expect(try wrong.json["detail"]?.string == unknown.json["detail"]?.string)
        }
    }

    @Test func `refresh tokens are good once, and one that comes again ends the session`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            let second = try await gateway.account(try await gateway.refresh(alice.refreshToken))
            #expect(second.refreshToken != alice.refreshToken)
            let third = try await gateway.account(try await gateway.refresh(second.refreshToken))
            #expect(try await third.api.send("GET", "/api/v1/auth/me").status == 200)

            try expectProblem(try await gateway.refresh(alice.refreshToken), 401, "unauthenticated")
            // Thief and owner are both out: nobody knows which is which.
            try expectProblem(try await gateway.refresh(third.refreshToken), 401, "unauthenticated")
            for account in [alice, second, third] {
                try expectProblem(try await account.api.send("GET", "/api/v1/auth/me"), 401, "unauthenticated")
            }
            let again = try await gateway.logIn(alice.email)
            let log = try await again.api.send("GET", "/api/v1/audit?action=session.token-reused").json["data"]
            #expect(log?.count == 1 && log?[0]?["actor"]?["id"]?.string == alice.id)
            for text in ["", "cr_", "cr_" + String(repeating: "0", count: 64), "x"] {
                #expect(try await gateway.refresh(text).status != 200)
            }
        }
    }

    @Test func `of two who bring one refresh token at the same time one at most goes on`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 { group.addTask { try await gateway.refresh(alice.refreshToken).status } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.filter { $0 == 200 }.count == 1 && statuses.filter { $0 == 401 }.count == 3)
        }
    }

    @Test func `a logout ends the session and its tokens, and no other`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            let other = try await gateway.logIn(alice.email)
            #expect(try await alice.api.send("POST", "/api/v1/auth/logout").status == 204)
            try expectProblem(try await alice.api.send("GET", "/api/v1/auth/me"), 401, "unauthenticated")
            try expectProblem(try await gateway.refresh(alice.refreshToken), 401, "unauthenticated")
            #expect(try await other.api.send("GET", "/api/v1/auth/me").status == 200)
        }
    }

    @Test func `a changed password ends every other session`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            let other = try await gateway.logIn(alice.email)
            #expect(try await other.api.send("GET", "/api/v1/auth/me").status == 200)
            func change(_ current: String, _ new: String) async throws -> HTTPExchange.Answer {
                try await alice.api.send(
                    "POST", "/api/v1/auth/password",
                    #"{"current_password":"\#(current)","new_password":"\#(new)"}"#)
            }
            try expectProblem(try await change("wrong", "battery staple"), 401, "unauthenticated")
            try expectProblem(try await change(Account.password, "short"), 422, "validation-failed")
            #expect(try await change(Account.password, "battery staple").status == 204)
            #expect(try await alice.api.send("GET", "/api/v1/auth/me").status == 200)
            try expectProblem(try await other.api.send("GET", "/api/v1/auth/me"), 401, "unauthenticated")
            #expect(try await gateway.refresh(other.refreshToken).status == 401)
            try expectProblem(try await gateway.tryLogIn(alice.email), 401, "unauthenticated")
            let new = try await gateway.tryLogIn(alice.email, password: "battery staple")
            #expect(new.status == 200, "\(new.text)")
        }
    }

    @Test func `whoever guesses is held up, and whoever knows is not`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            // However the address is spelled, it is one account; PostgreSQL knows more small letters than ASCII has.
            for name in ["alice", "Alice", "ALICE", "al\u{130}ce", "AL\u{130}CE"] {
                #expect(try await gateway.tryLogIn("\(name)@example.com", password: "wrong horse").status == 401)
            }
            let held = try await gateway.tryLogIn(alice.email)
            try expectProblem(held, 429, "too-many-attempts")
            #expect(held.headers["retry-after"].flatMap { Int($0) } ?? 0 > 0)
            // Another account from here is not held up, and neither is this one's session.
            _ = try await gateway.register("bob")
            #expect(try await alice.api.send("GET", "/api/v1/auth/me").status == 200)
            // Nor is the account, from anywhere else: what is counted is who tries.
            let people = try PeopleStore(pool: gateway.pool(), secret: gateway.configuration.jwtSecret)
            let attempts = try LoginGuard(people: people, secret: gateway.configuration.jwtSecret)
            guard case .allowed = try await attempts.attempt(email: alice.email, address: "192.0.2.1") else {
                Issue.record("the owner is locked out by a stranger")
                return
            }
            guard case .refused = try await attempts.attempt(email: alice.email, address: "127.0.0.1") else {
                Issue.record("the stranger is not held up")
                return
            }
            try await gateway.execute("UPDATE login_failures SET blocked_until = now() - interval '1 second'")
            #expect(try await gateway.tryLogIn(alice.email).status == 200)
            #expect(try await gateway.tryLogIn(alice.email).status == 200)
        }
    }

    @Test func `many guesses at the same time are counted all the same`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<20 {
                    group.addTask { try await gateway.tryLogIn(alice.email, password: "guess \(number)").status }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.filter { $0 == 401 }.count <= 5, "\(statuses)")
        }
    }

    @Test func `a network that tries many accounts is held up, except for who is known there`() async throws {
        var limits = LoginGuard.Limits()
        limits.ofNetwork = 6
        limits.registrations = 3
        try await withIdentityGateway(limits: limits) { gateway in
            let alice = try await gateway.register("alice")
            for number in 0..<6 { _ = try await gateway.tryLogIn("nobody\(number)@example.com") }
            try expectProblem(try await gateway.tryLogIn("nobody@example.com"), 429, "too-many-attempts")
            #expect(try await gateway.tryLogIn(alice.email).status == 200)
            // To have an account of one's own lifts no block.
            try expectProblem(try await gateway.tryLogIn("nobody@example.com"), 429, "too-many-attempts")
            for number in 0..<3 {
                _ = try await gateway.api.send(
                    "POST", "/api/v1/auth/register",
                    #"{"username":"p\#(number)","email":"p\#(number)@example.com","password":"correct horse"}"#)
            }
            let many = try await gateway.api.send(
                "POST", "/api/v1/auth/register",
                #"{"username":"p9","email":"p9@example.com","password":"correct horse"}"#)
            try expectProblem(many, 429, "too-many-attempts")
        }
    }

    @Test func `neither passwords nor tokens are in the database`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            let (key, _) = try await gateway.key(of: alice, scopes: [.admin])
            let invited = try await alice.api.send(
                "POST", "/api/v1/organizations/\(alice.organization)/invitations",
                #"{"email":"bob@example.com","role":"member"}"#)
            let secrets = [
                Account.password, alice.refreshToken, String(alice.refreshToken.dropFirst(3)),
                try #require(alice.api.key),
                try #require(key.key), try #require(key.key?.split(separator: "_").last.map(String.init)),
                try #require(try invited.json["token"]?.string),
            ]
            let dump = try await gateway.dump()
            #expect(dump.contains("alice@example.com"))
            for secret in secrets { #expect(!dump.contains(secret)) }
        }
    }
}

extension IdentityGateway {
    /// A pool of the gateway's role.
    func pool(size: Int = 2) -> PostgresPool {
        var database = database
        database.role = "collider_gateway"
        return PostgresPool(configuration: database, size: size, logger: testLogger)
    }

    /// Every row of every table, as text; bytes in hexadecimal and as they are.
    ///
    /// - Parameter tables: those that are left out.
    func dump(without tables: [String] = []) async throws -> String {
        try await withTestConnection(database) { connection in
            let rows = try await connection.query(
                PostgresStatement(
                    "test_dump",
                    """
                    SELECT query_to_xml(format('SELECT t::text FROM %I t', c.relname), true, false, '')::text
                    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relname::text = ANY ($1)
                    ORDER BY c.relname
                    """), [.texts(tables)])
            return try rows.map { try $0.decode(0, as: String.self) }.joined(separator: "\n")
        }
    }
}
