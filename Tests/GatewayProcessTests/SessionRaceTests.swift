import EventModel
import EventStore
import Identity
import PostgresWire
import Runtime
import TestKit
import Testing

@testable import GatewayProcess

/// What happens at the same time as a password changes, a key is revoked or a session ends.
@Suite("Nothing gets in between")
struct SessionRaceTests {
    private static let origin = Origin(address: "192.0.2.1", requestID: "test")

    @Test func `a login that was under way when the password changed opens nothing`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            let people = try PeopleStore(pool: gateway.pool(), secret: gateway.configuration.jwtSecret)
            // The login has checked the password by now.
            let known = try #require(try await people.person(email: alice.email))
            let body = #"{"current_password":"\#(Account.password)","new_password":"battery staple"}"#
            #expect(try await alice.api.send("POST", "/api/v1/auth/password", body).status == 204)
            let opening = try await people.open(
                for: known.person.id, passwordHash: known.passwordHash, organizationID: nil, from: Self.origin)
            guard case .passwordChanged = opening else {
                Issue.record("the old password has opened a session")
                return
            }
            let again = try await people.changePassword(
                known.person.id, from: known.passwordHash, to: "hash", keeping: .generate(),
                organizationID: try #require(UniqueID(alice.organization)), origin: Self.origin)
            #expect(!again, "nor does it change the password that has taken its place")
            #expect(try await gateway.tryLogIn(alice.email, password: "battery staple").status == 200)
        }
    }

    @Test func `a password that was reset ends every session, and all organizations of the person are told`()
        async throws
    {
        try await withIdentityGateway { gateway in
            let bob = try await gateway.register("bob")
            let alice = try await gateway.join(bob, as: .viewer, "alice")
            let second = try await alice.api.send("POST", "/api/v1/organizations", #"{"name":"second"}"#)
            #expect(second.status == 201)
            let pool = PostgresPool(configuration: gateway.database, size: 1, logger: testLogger)
            let people = try PeopleStore(pool: pool, secret: gateway.configuration.jwtSecret)
            let hasher = PasswordHasher(cost: PasswordHasher.Cost(logN: 4, blockSize: 8, parallelism: 1))
            let hash = try await hasher.hash("battery staple", network: "")
            let actor = try testActor
            #expect(try await !people.resetPassword(ofAddress: "nobody@example.com", to: hash, by: actor))
            #expect(try await people.resetPassword(ofAddress: "ALICE@example.com", to: hash, by: actor))
            #expect(try await gateway.refresh(alice.refreshToken).status == 401)
            #expect(try await gateway.tryLogIn(alice.email).status == 401)
            #expect(try await gateway.tryLogIn(alice.email, password: "battery staple").status == 200)
            #expect(try await gateway.refresh(bob.refreshToken).status == 200, "others go on")
            #expect(try await gateway.count("audit_log WHERE action = 'password.reset'") == 2)
            #expect(try await gateway.count("audit_log WHERE actor_kind = 'operator'") == 2)
        }
    }

    @Test func `of sessions that open while the password changes none lasts`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            let pool = gateway.pool(size: 4)
            let people = try PeopleStore(pool: pool, secret: gateway.configuration.jwtSecret)
            let known = try #require(try await people.person(email: alice.email))
            let organization = try #require(UniqueID(alice.organization))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<12 {
                    group.addTask {
                        if number == 5 {
                            _ = try await people.changePassword(
                                known.person.id, from: known.passwordHash, to: "hash", keeping: .generate(),
                                organizationID: organization, origin: Self.origin)
                        } else {
                            _ = try await people.open(
                                for: known.person.id, passwordHash: known.passwordHash, organizationID: nil,
                                from: Self.origin)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await gateway.count("sessions WHERE revoked_at IS NULL") == 0)
            #expect(try await gateway.count("sessions") > 0)
        }
    }

    @Test func `a key that is revoked while it is looked up is not remembered`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            let (api, id) = try await gateway.key(of: alice, scopes: [.eventsRead])
            let key = try #require(api.key)
            let keys = try KeyStore(pool: gateway.pool(size: 4), secret: gateway.configuration.jwtSecret)
            let actor = try testActor
            let organization = try #require(UniqueID(alice.organization))
            try await gateway.holding("api_keys") { release in
                async let looked = keys.authenticate(key)
                try await gateway.waitForLock(count: 1)
                async let revoked = keys.revoke(id, by: actor, organizationID: organization) { _ in }
                try await gateway.waitForLock(count: 2)
                try await release()
                // It was good when it was asked for; that is not to be known a moment later.
                _ = try await looked
                #expect(try await revoked)
            }
            #expect(try await keys.authenticate(key) == nil)
        }
    }

    @Test func `a session that ends while it is looked up is not remembered`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            let token = try #require(alice.api.key)
            let secret = gateway.configuration.jwtSecret
            let people = try PeopleStore(pool: gateway.pool(size: 4), secret: secret)
            let tokens = try await AccessTokens(secret: secret)
            let sessions = SessionAuthority(tokens: tokens, people: people)
            let person = try #require(UniqueID(alice.id))
            try await gateway.holding("sessions") { release in
                async let looked = sessions.authenticate(token)
                try await gateway.waitForLock(count: 1)
                sessions.forget(person: person)
                try await release()
                #expect(try await looked != nil)
            }
            try await gateway.execute("UPDATE sessions SET revoked_at = now(), revoked_because = 'test'")
            #expect(try await sessions.authenticate(token) == nil)
        }
    }
}

extension IdentityGateway {
    /// How many rows there are.
    fileprivate func count(_ rows: String) async throws -> Int64 {
        try await withTestConnection(database) { connection in
            try await connection.execute(script: "CREATE TEMP TABLE counted AS SELECT count(*) FROM \(rows)")
            return try await connection.query(PostgresStatement("test_count", "SELECT count FROM counted"))[0].decode(0)
        }
    }

    /// Locks a table until it is released.
    fileprivate func holding(
        _ table: String, _ body: (_ release: @Sendable () async throws -> Void) async throws -> Void
    ) async throws {
        var database = database
        database.idleInTransactionTimeoutMilliseconds = 60_000
        try await withTestConnection(database) { connection in
            try await connection.execute(script: "BEGIN; LOCK TABLE \(table) IN ACCESS EXCLUSIVE MODE")
            try await body { try await connection.execute(script: "COMMIT") }
        }
    }

    /// Waits until so many sessions of the database wait for a lock.
    fileprivate func waitForLock(count: Int64) async throws {
        let waiting = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        while try await self.count(waiting) < count { try await Task.sleep(for: .milliseconds(5)) }
    }
}
