import ActionModel
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import Identity
import JSONTree

/// Organizations: those of the caller, a new one, the name, and who owns it.
struct OrganizationRoutes: Sendable {
    let organizations: OrganizationStore
    let people: PeopleStore
    let authentication: Authentication

    func add(to routes: inout RouteTable) {
        routes.on(.get, "/api/v1/organizations", use: list)
        routes.on(.post, "/api/v1/organizations", use: create)
        routes.on(.get, "/api/v1/organizations/:id", scope: .membersRead, use: get)
        routes.on(.patch, "/api/v1/organizations/:id", scope: .organizationWrite, use: rename)
        routes.on(.post, "/api/v1/organizations/:id/transfer", scope: .organizationOwn, use: transfer)
    }

    /// Those that the person belongs to, or the one of the key.
    @Sendable func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let caller = try await authentication.caller(of: request, in: context)
        guard let person = caller.person else {
            let own = try await organizations.organization(caller.organizationID)
            return .list(Page(items: own.map { [$0] } ?? [], nextCursor: nil)) { organization, body in
                body.object { Self.write(organization, to: &$0) }
            }
        }
        let memberships = try await people.person(person.id)?.memberships ?? []
        return .list(Page(items: memberships, nextCursor: nil)) { membership, body in
            body.object { AccountRoutes.write(membership, to: &$0) }
        }
    }

    @Sendable func create(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let (_, person) = try await authentication.person(of: request, in: context)
        let name = try await Self.name(request, context)
        let made = try await people.createOrganization(named: name, owner: person.id, from: context.origin)
        return .json(.created, headers: [.location: "/api/v1/organizations/\(made.organizationID)"]) {
            AccountRoutes.write(made, to: &$0)
        }
    }

    @Sendable func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        return try await answer(context.ownOrganization())
    }

    @Sendable func rename(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try context.ownOrganization()
        let name = try await Self.name(request, context)
        try await organizations.rename(id, to: name, by: context.actor())
        return try await answer(id)
    }

    @Sendable func transfer(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try context.ownOrganization()
        let caller = try context.authenticated()
        guard let owner = caller.person else { throw Problem(.forbidden, "only a person can own an organization") }
        _ = try QueryParameters(request, knows: [])
        var reader = try await request.readObject(context)
        let person = reader.uniqueID("person_id", required: true)
        if person == owner.id { reader.refuse("person_id", "owns the organization already") }
        try reader.finish()
        guard let person, try await organizations.transfer(id, from: owner.id, to: person, by: context.actor())
        else { throw Problem.notFound("member of that id") }
        authentication.sessions.forget(person: owner.id)
        authentication.sessions.forget(person: person)
        return try await answer(id)
    }

    private func answer(_ id: UniqueID) async throws -> Response {
        guard let organization = try await organizations.organization(id) else {
            throw Problem.notFound("organization of that id")
        }
        return .json { Self.write(organization, to: &$0) }
    }

    private static func name(_ request: Request, _ context: GatewayContext) async throws -> String {
        _ = try QueryParameters(request, knows: [])
        var reader = try await request.readObject(context)
        let name = reader.string("name", required: true)
        if let flaw = name.flatMap({ AccountRules.flaw(ofName: $0) }) { reader.refuse("name", flaw) }
        try reader.finish()
        return name ?? ""
    }

    private static func write(_ organization: Organization, to body: inout JSONWriter) {
        body.member("id", organization.id.description)
        body.member("name", organization.name)
        body.member("created_at", organization.createdAt.rfc3339)
        body.member("member_count", organization.memberCount)
    }
}

extension GatewayContext {
    /// The `{id}` of the path, which must be the organization that the caller speaks for.
    ///
    /// - Throws: `not-found` for any other, whether it exists or not.
    func ownOrganization() throws -> UniqueID {
        let id = try pathID("organization")
        guard try authenticated().organizationID == id else { throw Problem.notFound("organization of that id") }
        return id
    }
}
