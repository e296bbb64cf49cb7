import EventStore
import JSONTree
import Testing

@testable import GatewayProcess

@Suite("Organizations, members and invitations")
struct OrganizationTests {
    @Test func `an organization is made, seen, renamed and spoken for`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            let made = try await alice.api.send("POST", "/api/v1/organizations", #"{"name":"Acme"}"#)
            #expect(made.status == 201, "\(made.text)")
            let id = try #require(try made.json["id"]?.string)
            // The token speaks for the first organization; a new pair speaks for another.
            try expectProblem(try await alice.api.send("GET", "/api/v1/organizations/\(id)"), 404, "not-found")
            let acme = try await gateway.account(try await gateway.refresh(alice.refreshToken, organization: id))
            #expect(try await acme.api.send("GET", "/api/v1/organizations/\(id)").json["name"]?.string == "Acme")
            let renamed = try await acme.api.send("PATCH", "/api/v1/organizations/\(id)", #"{"name":"Acme, Inc."}"#)
            #expect(try renamed.json["name"]?.string == "Acme, Inc." && renamed.json["member_count"]?.int64 == 1)
            let taken = try await acme.api.send("PATCH", "/api/v1/organizations/\(id)", #"{"name":"alice"}"#)
            try expectProblem(taken, 409, "conflict")
            let twice = try await alice.api.send("POST", "/api/v1/organizations", #"{"name":"Acme, Inc."}"#)
            try expectProblem(twice, 409, "conflict")
            #expect(try await acme.api.send("GET", "/api/v1/organizations").json["data"]?.count == 2)
            #expect(try await gateway.logIn(alice.email, organization: id).organization == id)
            let stranger = try await gateway.register("mallory")
            try expectProblem(try await gateway.tryLogIn(stranger.email, organization: id), 404, "not-found")
            try expectProblem(try await gateway.refresh(stranger.refreshToken, organization: id), 404, "not-found")
        }
    }

    @Test func `an invitation is for one address and good once`() async throws {
        try await withIdentityGateway { gateway in
            let alice = try await gateway.register("alice")
            let bob = try await gateway.register("bob")
            let mallory = try await gateway.register("mallory")
            let path = "/api/v1/organizations/\(alice.organization)/invitations"
            func invite(_ email: String, _ role: String) async throws -> HTTPExchange.Answer {
                try await alice.api.send("POST", path, #"{"email":"\#(email)","role":"\#(role)"}"#)
            }
            try expectProblem(try await invite("x@example.com", "owner"), 422, "validation-failed")
            try expectProblem(try await invite("alice@example.com", "viewer"), 409, "conflict")
            let first = try #require(try await invite("bob@example.com", "viewer").json["token"]?.string)
            let second = try #require(try await invite("BOB@example.com", "member").json["token"]?.string)
            #expect(try await alice.api.send("GET", path).json["data"]?.count == 1, "a new one replaces the old one")
            #expect(try await !alice.api.send("GET", path).text.contains(second))
            func accept(_ account: Account, _ token: String) async throws -> HTTPExchange.Answer {
                try await account.api.send("POST", "/api/v1/invitations/accept", #"{"token":"\#(token)"}"#)
            }
            try expectProblem(try await accept(bob, first), 404, "not-found")
            try expectProblem(try await accept(mallory, second), 404, "not-found")
            #expect(try await accept(bob, second).json["data"]?.count == 2)
            try expectProblem(try await accept(bob, second), 404, "not-found")
            let inside = try await gateway.account(
                try await gateway.refresh(bob.refreshToken, organization: alice.organization))
            #expect(try await inside.api.send("GET", "/api/v1/auth/me").json["role"]?.string == "member")

            let third = try await invite("carol@example.com", "viewer").json
            let id = try #require(third["id"]?.string)
            #expect(try await alice.api.send("DELETE", "\(path)/\(id)").status == 204)
            try expectProblem(try await alice.api.send("DELETE", "\(path)/\(id)"), 404, "not-found")
            try await gateway.execute("UPDATE invitations SET expires_at = now()")
            let late = try #require(try await invite("dan@example.com", "viewer").json["token"]?.string)
            try await gateway.execute("UPDATE invitations SET expires_at = now()")
            let refused = try await gateway.api.send(
                "POST", "/api/v1/auth/register",
                #"{"username":"dan","email":"dan@example.com","password":"correct horse","invitation":"\#(late)"}"#)
            try expectProblem(refused, 404, "not-found")
            #expect(try await gateway.tryLogIn("dan@example.com").status == 401, "nobody was made")
        }
    }

    @Test func `nobody gives more than they have, and nobody touches who has more`() async throws {
        try await withIdentityGateway { gateway in
            let owner = try await gateway.register("owner")
            let admin = try await gateway.join(owner, as: .admin, "admin")
            let member = try await gateway.join(owner, as: .member, "member")
            let viewer = try await gateway.join(owner, as: .viewer, "viewer")
            let members = "/api/v1/organizations/\(owner.organization)/members"
            func set(_ caller: HTTPExchange, _ person: Account, _ role: String) async throws -> HTTPExchange.Answer {
                try await caller.send("PATCH", "\(members)/\(person.id)", #"{"role":"\#(role)"}"#)
            }
            #expect(try await owner.api.send("GET", members).json["data"]?.count == 4)
            try expectProblem(try await set(admin.api, owner, "viewer"), 409, "conflict")
            try expectProblem(try await set(admin.api, viewer, "owner"), 422, "validation-failed")
            try expectProblem(try await set(member.api, viewer, "member"), 403, "missing-scope")
            try expectProblem(try await admin.api.send("DELETE", "\(members)/\(owner.id)"), 409, "conflict")
            // A key that may manage members and nothing else can make nobody anything.
            let (key, _) = try await gateway.key(of: admin, scopes: [.membersWrite, .membersRead])
            try expectProblem(try await set(key, viewer, "admin"), 403, "forbidden")
            try expectProblem(try await key.send("DELETE", "\(members)/\(admin.id)"), 403, "forbidden")
            let invitations = "/api/v1/organizations/\(owner.organization)/invitations"
            let sneaky = try await key.send("POST", invitations, #"{"email":"x@example.com","role":"admin"}"#)
            try expectProblem(sneaky, 403, "forbidden")

            // A role counts at once where it was changed.
            #expect(try await viewer.api.send("POST", "/api/v1/events", #"{"type":"A","data":{}}"#).status == 403)
            #expect(try await set(admin.api, viewer, "member").status == 200)
            #expect(try await viewer.api.send("POST", "/api/v1/events", #"{"type":"A","data":{}}"#).status == 201)
            #expect(try await admin.api.send("DELETE", "\(members)/\(viewer.id)").status == 204)
            try expectProblem(try await viewer.api.send("GET", "/api/v1/events"), 401, "unauthenticated")
            try expectProblem(try await admin.api.send("DELETE", "\(members)/\(viewer.id)"), 404, "not-found")
            #expect(try await gateway.refresh(viewer.refreshToken).status == 404)
        }
    }

    @Test func `invitations end with the right of whoever gave them`() async throws {
        try await withIdentityGateway { gateway in
            let owner = try await gateway.register("owner")
            let removed = try await gateway.join(owner, as: .admin, "removed")
            let demoted = try await gateway.join(owner, as: .admin, "demoted")
            let (key, id) = try await gateway.key(of: owner, scopes: [.admin])
            let place = "/api/v1/organizations/\(owner.organization)"
            var tokens: [String] = []
            for (number, caller) in [removed.api, demoted.api, key, owner.api].enumerated() {
                let body = #"{"email":"p\#(number)@example.com","role":"admin"}"#
                let made = try await caller.send("POST", place + "/invitations", body)
                tokens.append(try #require(try made.json["token"]?.string))
            }
            #expect(try await owner.api.send("DELETE", "\(place)/members/\(removed.id)").status == 204)
            let role = #"{"role":"member"}"#
            #expect(try await owner.api.send("PATCH", "\(place)/members/\(demoted.id)", role).status == 200)
            #expect(try await owner.api.send("DELETE", "/api/v1/api-keys/\(id)").status == 204)
            for (number, token) in tokens.enumerated() {
                let person = try await gateway.register("p\(number)")
                let accepted = try await person.api.send(
                    "POST", "/api/v1/invitations/accept", #"{"token":"\#(token)"}"#)
                #expect(accepted.status == (number == 3 ? 200 : 404), "\(number): \(accepted.text)")
            }
        }
    }

    @Test func `an organization is given away, and only its owner can`() async throws {
        try await withIdentityGateway { gateway in
            let owner = try await gateway.register("owner")
            let admin = try await gateway.join(owner, as: .admin, "admin")
            let path = "/api/v1/organizations/\(owner.organization)"
            func give(_ caller: HTTPExchange, _ person: String) async throws -> HTTPExchange.Answer {
                try await caller.send("POST", path + "/transfer", #"{"person_id":"\#(person)"}"#)
            }
            let (key, _) = try await gateway.key(of: owner, scopes: [.admin])
            try expectProblem(try await give(admin.api, admin.id), 403, "missing-scope")
            try expectProblem(try await give(key, admin.id), 403, "missing-scope")
            try expectProblem(try await give(owner.api, owner.id), 422, "validation-failed")
            let nobody = "018f0000-0000-7000-8000-000000000000"
            try expectProblem(try await give(owner.api, nobody), 404, "not-found")
            try expectProblem(try await owner.api.send("POST", path + "/leave"), 409, "conflict")
            #expect(try await give(owner.api, admin.id).status == 200)
            #expect(try await owner.api.send("GET", "/api/v1/auth/me").json["role"]?.string == "admin")
            #expect(try await admin.api.send("GET", "/api/v1/auth/me").json["role"]?.string == "owner")
            try expectProblem(try await give(owner.api, admin.id), 403, "missing-scope")
            #expect(try await owner.api.send("POST", path + "/leave").status == 204)
            try expectProblem(try await owner.api.send("GET", path), 401, "unauthenticated")
        }
    }
}
