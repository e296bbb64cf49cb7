import EventStore
import JSONTree
import Runtime
import Testing

@testable import GatewayProcess

@Suite("Where a request comes from")
struct ClientAddressTests {
    @Test(arguments: [
        ("192.0.2.1", [], "192.0.2.1"),
        // A stranger's word is nothing.
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"), ("", ["198.51.100.7"], ""),
        // A trusted proxy's is.
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"), ("10.0.0.1", [], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["2001:db8::7"], "2001:db8::7"),
        // What the client wrote itself stands before it.
        ("10.0.0.1", ["1.2.3.4, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["1.2.3.4", "198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["1.2.3.4,198.51.100.7,10.0.0.2"], "198.51.100.7"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        // No address, no more trust.
        ("10.0.0.1", ["unknown"], "10.0.0.1"), ("10.0.0.1", ["198.51.100.7, x, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["198.51.100.0/24"], "10.0.0.1"), ("10.0.0.1", [",,"], "10.0.0.1"),
    ])
    func `the last hop that is no trusted proxy`(_ peer: String, _ forwarded: [String], _ address: String) {
        let addresses = ClientAddress(proxies: ["10.0.0.0/8", "fd00::/8"])
        #expect(addresses.resolve(peer: peer, forwarded: forwarded) == address)
        #expect(ClientAddress(proxies: []).resolve(peer: peer, forwarded: forwarded) == peer)
    }

    @Test func `keys and the audit log go by what a trusted proxy says`() async throws {
        try await withIdentityGateway(configure: { $0.identity.trustedProxies = ["127.0.0.1"] }) { gateway in
            let alice = try await gateway.register("alice")
            let (key, _) = try await gateway.key(
                of: alice, scopes: [.admin], more: #","allowed_addresses":["192.0.2.0/24"]"#)
            func ask(_ forwarded: String) async throws -> HTTPExchange.Answer {
                try await key.send(
                    "POST", "/api/v1/triggers", #"{"name":"\#(forwarded)","actions":[]}"#,
                    headers: [("X-Forwarded-For", forwarded)])
            }
            #expect(try await ask("192.0.2.9").status == 201)
            try expectProblem(try await ask("192.0.2.9, 198.51.100.7"), 401, "unauthenticated")
            let log = try await alice.api.send("GET", "/api/v1/audit?limit=1").json["data"]
            #expect(log?[0]?["address"]?.string == "192.0.2.9")
        }
    }

    @Test func `whoever has a network of addresses has the rate of one`() async throws {
        let configure: @Sendable (inout ColliderConfiguration) -> Void = {
            $0.identity.trustedProxies = ["127.0.0.1"]
            $0.server.limits.login = RateSettings(count: 2, seconds: 3_600)
        }
        try await withIdentityGateway(configure: configure) { gateway in
            // Redis is shared with other tests.
            let network = "2001:db8:\(String(UInt16.random(in: 1...(.max)), radix: 16)):1"
            for (number, status) in [401, 401, 429].enumerated() {
                let answer = try await gateway.api.send(
                    "POST", "/api/v1/auth/login", #"{"email":"a@example.com","password":"wrong horse"}"#,
                    headers: [("X-Forwarded-For", "\(network)::\(number)")])
                #expect(answer.status == status, "\(answer.text)")
            }
        }
    }

    @Test func `where accounts are made by invitation, nobody else makes one`() async throws {
        try await withIdentityGateway(configure: { $0.identity.registration = .invited }) { gateway in
            let refused = try await gateway.api.send(
                "POST", "/api/v1/auth/register",
                #"{"username":"alice","email":"alice@example.com","password":"correct horse"}"#)
            try expectProblem(refused, 403, "forbidden")
            let key = try await makeKey(gateway.configuration, scopes: [.admin])
            var api = gateway.api
            api.key = key
            let own = try await api.send("GET", "/api/v1/organizations").json["data"]?[0]?["id"]?.string
            let invited = try await api.send(
                "POST", "/api/v1/organizations/\(try #require(own))/invitations",
                #"{"email":"alice@example.com","role":"admin"}"#)
            let alice = try await gateway.register("alice", invitation: try #require(try invited.json["token"]?.string))
            #expect(alice.organization == own)
        }
    }
}
