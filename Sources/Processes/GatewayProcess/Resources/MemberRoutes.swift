import ActionModel
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import Identity
import JSONTree

/// Members of an organization: list, change a role, remove, leave.
///
/// Nobody gives more than they have, and nobody touches who has more.
struct MemberRoutes: Sendable {
    let organizations: OrganizationStore
    let authentication: Authentication

    func add(to routes: inout RouteTable) {
        let members = "/api/v1/organizations/:id/members"
        routes.on(.get, members, scope: .membersRead, use: list)
        routes.on(.patch, members + "/:person_id", scope: .membersWrite, use: setRole)
        routes.on(.delete, members + "/:person_id", scope: .membersWrite, use: remove)
        routes.on(.post, "/api/v1/organizations/:id/leave", use: leave)
    }

    @Sendable func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryParameters(request, knows: ["cursor", "limit"])
        let limit = try query.limit()
        let found = try await organizations.members(
            of: context.ownOrganization(), limit: limit + 1, after: query.uniqueID("cursor"))
        return .list(Page(found, limit: limit) { $0.personID.description }) { member, body in
            body.object { Self.write(member, to: &$0) }
        }
    }

    @Sendable func setRole(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try context.ownOrganization()
        let caller = try context.authenticated()
        let person = try Self.person(context)
        _ = try QueryParameters(request, knows: [])
        var reader = try await request.readObject(context)
        let role = reader.choice("role", of: Role.invitable, required: true)
        try reader.finish()
        let changed = try await organizations.setRole(
            role ?? .viewer, of: person, in: id, by: context.actor()
        ) { member in
            try Self.allow(caller, toTouch: member)
            try caller.requireRights(of: role ?? .viewer)
        }
        guard let member = changed else { throw Problem.notFound("member of that id") }
        authentication.sessions.forget(person: person)
        return .json { Self.write(member, to: &$0) }
    }

    @Sendable func remove(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let id = try context.ownOrganization()
        let caller = try context.authenticated()
        let person = try Self.person(context)
        let removed = try await organizations.remove(person, from: id, by: context.actor()) { member in
            try Self.allow(caller, toTouch: member)
        }
        guard removed else { throw Problem.notFound("member of that id") }
        authentication.sessions.forget(person: person)
        return Response(status: .noContent)
    }

    /// Everybody may leave but the owner, who gives the organization away first.
    @Sendable func leave(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let (_, person) = try await authentication.person(of: request, in: context)
        let id = try context.ownOrganization()
        _ = try await organizations.remove(person.id, from: id, by: context.actor()) { member in
            try Self.refuseOwner(member)
        }
        authentication.sessions.forget(person: person.id)
        return Response(status: .noContent)
    }

    private static func allow(_ caller: Principal, toTouch member: Member) throws {
        try refuseOwner(member)
        try caller.requireRights(of: member.role)
    }

    private static func refuseOwner(_ member: Member) throws {
        guard member.role != .owner else {
            throw Problem(.conflict, "the owner can't be changed; transfer the organization first")
        }
    }

    private static func person(_ context: GatewayContext) throws -> UniqueID {
        guard let id = UniqueID(try context.pathText("person_id")) else { throw Problem.notFound("member of that id") }
        return id
    }

    private static func write(_ member: Member, to body: inout JSONWriter) {
        body.member("person_id", member.personID.description)
        body.member("username", member.username)
        body.member("email", member.email)
        body.member("role", member.role.rawValue)
        body.member("joined_at", member.joinedAt.rfc3339)
    }
}

extension Role {
    /// All but the owner, which one becomes by a transfer only.
    static let invitable: [Role] = [.admin, .member, .viewer]
}

extension Principal {
    /// - Throws: `forbidden` when the role may do something that the caller may not.
    func requireRights(of role: Role) throws {
        let missing = role.scopes.subtracting(scopes)
        guard missing.isEmpty else {
            let names = missing.map(\.rawValue).sorted().joined(separator: ", ")
            throw Problem(.forbidden, "the role \(role.rawValue) has rights that you lack: \(names)")
        }
    }
}
