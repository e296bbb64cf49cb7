import ActionModel
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import Identity
import JSONTree

/// Invitations: give, list, take back, accept.
struct InvitationRoutes: Sendable {
    let organizations: OrganizationStore
    let people: PeopleStore
    let authentication: Authentication

    func add(to routes: inout RouteTable) {
        let invitations = "/api/v1/organizations/:id/invitations"
        routes.on(.get, invitations, scope: .membersRead, use: list)
        routes.on(.post, invitations, scope: .membersWrite, use: invite)
        routes.on(.delete, invitations + "/:invitation_id", scope: .membersWrite, use: takeBack)
        routes.on(.post, "/api/v1/invitations/accept", use: accept)
    }

    @Sendable func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryParameters(request, knows: ["cursor", "limit"])
        let limit = try query.limit()
        let found = try await organizations.invitations(
            to: context.ownOrganization(), limit: limit + 1, after: query.uniqueID("cursor"))
        return .list(Page(found, limit: limit) { $0.id.description }) { invitation, body in
            body.object { Self.write(invitation, to: &$0) }
        }
    }

    /// Answers with the token, which is not shown again.
    @Sendable func invite(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try context.ownOrganization()
        let caller = try context.authenticated()
        _ = try QueryParameters(request, knows: [])
        var reader = try await request.readObject(context)
        let email = reader.string("email", required: true)
        if let flaw = email.flatMap({ AccountRules.flaw(ofEmail: $0) }) { reader.refuse("email", flaw) }
        let role = reader.choice("role", of: Role.invitable, required: true)
        try reader.finish()
        try caller.requireRights(of: role ?? .viewer)
        let (invitation, token) = try await organizations.invite(
            email ?? "", as: role ?? .viewer, to: id, by: context.actor())
        return .json(.created, headers: .secret) {
            Self.write(invitation, to: &$0)
            $0.member("token", token)
        }
    }

    @Sendable func takeBack(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let id = try context.ownOrganization()
        guard let invitation = UniqueID(try context.pathText("invitation_id")),
            try await organizations.takeBack(invitation, of: id, by: context.actor())
        else { throw Problem.notFound("invitation of that id") }
        return Response(status: .noContent)
    }

    @Sendable func accept(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let (_, person) = try await authentication.person(of: request, in: context)
        _ = try QueryParameters(request, knows: [])
        var reader = try await request.readObject(context)
        let token = reader.string("token", required: true, length: 1...200)
        try reader.finish()
        let memberships = try await people.accept(token ?? "", by: person.id, from: context.origin)
        return .list(Page(items: memberships, nextCursor: nil)) { membership, body in
            body.object { AccountRoutes.write(membership, to: &$0) }
        }
    }

    private static func write(_ invitation: Invitation, to body: inout JSONWriter) {
        body.member("id", invitation.id.description)
        body.member("email", invitation.email)
        body.member("role", invitation.role.rawValue)
        body.member("invited_by", invitation.invitedBy)
        body.member("created_at", invitation.createdAt.rfc3339)
        body.member("expires_at", invitation.expiresAt.rfc3339)
    }
}
