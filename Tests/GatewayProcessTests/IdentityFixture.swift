import EventModel
import EventStore
import Identity
import JSONTree
import PostgresWire
import Runtime
import TestKit
import Testing

@testable import GatewayProcess

/// A person who has registered and logged in.
struct Account: Sendable {
    /// Asks with the access token.
    let api: HTTPExchange
    let id: String
    let email: String
    let organization: String
    let refreshToken: String

    static let password = "correct horse"
}

/// A gateway that takes anybody in, and its database.
struct IdentityGateway: Sendable {
    /// Asks as nobody.
    let api: HTTPExchange
    let configuration: ColliderConfiguration
    let database: PostgresConfiguration

    /// Registers a person, who owns an organization of their own then, and logs them in.
    func register(_ name: String, invitation: String? = nil) async throws -> Account {
        let email = "\(name)@example.com"
        let token = invitation.map { #","invitation":"\#($0)""# } ?? ""
        let made = try await api.send(
            "POST", "/api/v1/auth/register",
            #"{"username":"\#(name)","email":"\#(email)","password":"\#(Account.password)"\#(token)}"#)
        #expect(made.status == 201, "\(made.text)")
        return try await logIn(email)
    }

    func logIn(_ email: String, organization: String? = nil) async throws -> Account {
        let pair = try await tryLogIn(email, organization: organization)
        #expect(pair.status == 200, "\(pair.text)")
        return try await account(pair)
    }

    func tryLogIn(
        _ email: String, organization: String? = nil, password: String = Account.password
    ) async throws -> HTTPExchange.Answer {
        let place = organization.map { #","organization_id":"\#($0)""# } ?? ""
        return try await api.send(
            "POST", "/api/v1/auth/login", #"{"email":"\#(email)","password":"\#(password)"\#(place)}"#)
    }

    /// Reads a pair of tokens, and asks who it is for.
    func account(_ pair: HTTPExchange.Answer) async throws -> Account {
        let body = try pair.json
        var api = api
        api.key = try #require(body["access_token"]?.string)
        let me = try await api.send("GET", "/api/v1/auth/me").json
        return Account(
            api: api, id: try #require(me["id"]?.string), email: try #require(me["email"]?.string),
            organization: try #require(body["organization_id"]?.string),
            refreshToken: try #require(body["refresh_token"]?.string))
    }

    func refresh(_ token: String, organization: String? = nil) async throws -> HTTPExchange.Answer {
        let place = organization.map { #","organization_id":"\#($0)""# } ?? ""
        return try await api.send("POST", "/api/v1/auth/refresh", #"{"refresh_token":"\#(token)"\#(place)}"#)
    }

    /// Makes a key of the organization of an account, and asks with it.
    func key(of account: Account, scopes: [Scope], more: String = "") async throws -> (api: HTTPExchange, id: String) {
        let names = scopes.map { #""\#($0.rawValue)""# }.joined(separator: ",")
        let made = try await account.api.send(
            "POST", "/api/v1/api-keys", #"{"name":"test","scopes":[\#(names)]\#(more)}"#)
        #expect(made.status == 201, "\(made.text)")
        var api = api
        api.key = try #require(try made.json["api_key"]?.string)
        return (api, try #require(try made.json["id"]?.string))
    }

    /// Invites a person into the organization of an account, who accepts and speaks for it then.
    func join(_ owner: Account, as role: Role, _ name: String) async throws -> Account {
        let invited = try await owner.api.send(
            "POST", "/api/v1/organizations/\(owner.organization)/invitations",
            #"{"email":"\#(name)@example.com","role":"\#(role.rawValue)"}"#)
        #expect(invited.status == 201, "\(invited.text)")
        return try await register(name, invitation: try #require(try invited.json["token"]?.string))
    }

    /// Runs statements as the owner of the tables.
    func execute(_ script: String) async throws {
        try await withTestConnection(database) { try await $0.execute(script: script) }
    }
}

/// Lends a gateway whose password hashes cost little.
func withIdentityGateway(
    limits: LoginGuard.Limits = LoginGuard.Limits(), configure: (inout ColliderConfiguration) -> Void = { _ in },
    _ body: @Sendable (IdentityGateway) async throws -> Void
) async throws {
    try await withMigratedDatabase { database in
        var settings = try testConfiguration(database)
        // What guards against guessing is tested by itself; this would count the tests of a minute together.
        settings.server.limits.login = nil
        configure(&settings)
        let configuration = settings
        try await withGateway(configuration, tuning: identityTuning(limits)) { port in
            try await body(
                IdentityGateway(api: HTTPExchange(port: port), configuration: configuration, database: database))
        }
    }
}

func identityTuning(_ limits: LoginGuard.Limits = LoginGuard.Limits()) -> GatewayTuning {
    var tuning = GatewayTuning()
    tuning.passwordCost = PasswordHasher.Cost(logN: 4, blockSize: 8, parallelism: 1)
    tuning.loginLimits = limits
    return tuning
}
