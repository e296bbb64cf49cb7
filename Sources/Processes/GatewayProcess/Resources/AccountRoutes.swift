import ActionModel
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import Identity
import JSONTree
import Runtime

/// People: register, log in, refresh, log out, who am I, change the password.
struct AccountRoutes: Sendable {
    let accounts: Accounts
    let people: PeopleStore
    let authentication: Authentication
    let registration: IdentitySettings.Registration

    func add(to routes: inout RouteTable) {
        routes.on(.post, "/api/v1/auth/register", use: register)
        routes.on(.post, "/api/v1/auth/login", use: logIn)
        routes.on(.post, "/api/v1/auth/refresh", use: refresh)
        routes.on(.post, "/api/v1/auth/logout", use: logOut)
        routes.on(.post, "/api/v1/auth/password", use: changePassword)
        routes.on(.get, "/api/v1/auth/me", use: me)
    }

    @Sendable func register(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        var reader = try await request.readObject(context)
        let username = reader.string("username", required: true)
        let email = reader.string("email", required: true)
        let password = reader.string("password", required: true)
        let invitation = reader.string("invitation", length: 1...200)
        if let flaw = username.flatMap({ AccountRules.flaw(ofName: $0) }) { reader.refuse("username", flaw) }
        if let flaw = email.flatMap({ AccountRules.flaw(ofEmail: $0) }) { reader.refuse("email", flaw) }
        if let password {
            let flaw = AccountRules.flaw(ofPassword: password, username: username ?? "", email: email ?? "")
            if let flaw { reader.refuse("password", flaw) }
        }
        try reader.finish()
        guard registration == .open || invitation != nil else {
            throw Problem(.forbidden, "accounts are made by invitation here; ask a member of an organization for one")
        }
        let (person, membership) = try await accounts.register(
            username: username ?? "", email: email ?? "", password: password ?? "", invitation: invitation,
            from: context.origin)
        return .json(.created, headers: .secret) { body in
            Self.write(person, to: &body)
            body.key("organization")
            body.object { Self.write(membership, to: &$0) }
        }
    }

    @Sendable func logIn(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        var reader = try await request.readObject(context)
        let email = reader.string("email", required: true, length: 1...254)
        let password = reader.string("password", required: true, length: 1...AccountRules.passwordLength.upperBound)
        let organization = reader.uniqueID("organization_id")
        try reader.finish()
        let pair = try await accounts.logIn(
            email: email ?? "", password: password ?? "", organizationID: organization, from: context.origin)
        return Self.answer(pair)
    }

    @Sendable func refresh(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        var reader = try await request.readObject(context)
        let token = reader.string("refresh_token", required: true, length: 1...200)
        let organization = reader.uniqueID("organization_id")
        try reader.finish()
        return Self.answer(
            try await accounts.refresh(token ?? "", organizationID: organization, from: context.origin))
    }

    @Sendable func logOut(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let (caller, person) = try await authentication.person(of: request, in: context)
        try await accounts.logOut(
            person.session, of: person.id, organizationID: caller.organizationID, from: context.origin)
        return Response(status: .noContent)
    }

    @Sendable func changePassword(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let (caller, person) = try await authentication.person(of: request, in: context)
        _ = try QueryParameters(request, knows: [])
        var reader = try await request.readObject(context)
        let current = reader.string(
            "current_password", required: true, length: 1...AccountRules.passwordLength.upperBound)
        let new = reader.string("new_password", required: true)
        try reader.finish()
        try await accounts.changePassword(
            of: person.id, in: person.session, organizationID: caller.organizationID, from: current ?? "",
            to: new ?? "", origin: context.origin
        ) { person in
            let flaw = AccountRules.flaw(ofPassword: new ?? "", username: person.username, email: person.email)
            if let flaw { throw JSONValidationError(pointer: "/new_password", detail: flaw) }
        }
        return Response(status: .noContent)
    }

    /// Who asks: a person with their organizations, or a key.
    @Sendable func me(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let caller = try await authentication.caller(of: request, in: context)
        guard let person = caller.person else {
            return .json { body in
                body.member("kind", "key")
                body.member("id", caller.id)
                Self.write(caller, to: &body)
            }
        }
        guard let known = try await people.person(person.id) else { throw Problem.notFound("person of that id") }
        return .json { body in
            body.member("kind", "person")
            Self.write(known.person, to: &body)
            body.member("role", person.role.rawValue)
            Self.write(caller, to: &body)
            body.key("organizations")
            body.array { list in
                for membership in known.memberships { list.object { Self.write(membership, to: &$0) } }
            }
        }
    }

    static func write(_ membership: Membership, to body: inout JSONWriter) {
        body.member("id", membership.organizationID.description)
        body.member("name", membership.organization)
        body.member("role", membership.role.rawValue)
        body.member("joined_at", membership.joinedAt.rfc3339)
    }

    private static func write(_ person: Person, to body: inout JSONWriter) {
        body.member("id", person.id.description)
        body.member("username", person.username)
        body.member("email", person.email)
        body.member("created_at", person.createdAt.rfc3339)
    }

    private static func write(_ caller: Principal, to body: inout JSONWriter) {
        body.member("organization_id", caller.organizationID.description)
        body.write(caller.scopes)
    }

    private static func answer(_ pair: TokenPair) -> Response {
        .json(headers: .secret) { body in
            body.member("access_token", pair.accessToken)
            body.member("refresh_token", pair.refreshToken)
            body.member("token_type", "Bearer")
            body.member("expires_in", pair.expiresIn)
            body.member("organization_id", pair.organizationID.description)
        }
    }
}

extension JSONWriter {
    /// The member `scopes`.
    mutating func write(_ scopes: Set<Scope>) {
        key("scopes")
        array { list in scopes.map(\.rawValue).sorted().forEach { list.string($0) } }
    }
}

extension HTTPFields {
    /// Of an answer that holds something that nobody on the way may keep (RFC 6749 §5.1).
    static let secret: HTTPFields = [.cacheControl: "no-store"]
}
