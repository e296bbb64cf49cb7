import HTTPTypes
import Identity

extension RouteDescription {
    /// Of a route that people may use who have logged in.
    fileprivate static let forPeople = "For people who have logged in; an API key gets 403."
}

extension AccountRoutes {
    private static let pair = RouteDescription.Answer.json(
        "An access token, and the refresh token for the next.", .reference("TokenPair"))

    static let descriptions: RouteDescriptions = [
        "POST /api/v1/auth/register": RouteDescription(
            id: "register", topic: .people, summary: "Make an account",
            detail: "Who registers owns an organization of their own, or joins the one that invited them.",
            body: .json(
                .order([
                    .always("username", Components.accountName), .always("email", Components.emailAddress),
                    .always("password", Components.password),
                    .optional("invitation", Components.token, "The token of an invitation."),
                ]),
                example: ["username": "alice", "email": "alice@example.com", "password": "correct horse"]),
            answers: [.json(.created, "The person.", .reference("Person"))],
            problems: [.forbidden, .conflict, .malformedJSON, .tooManyAttempts, .notFound, .overloaded]),
        "POST /api/v1/auth/login": RouteDescription(
            id: "logIn", topic: .people, summary: "Log in",
            body: .json(
                .order([
                    .always("email", .text(1...254)), .always("password", .text(1...256)),
                    .optional("organization_id", .uuid, "For which to speak; the first one's without it."),
                ]), example: ["email": "alice@example.com", "password": "correct horse"]),
            answers: [pair],
            problems: [.unauthenticated, .forbidden, .notFound, .malformedJSON, .tooManyAttempts, .overloaded]),
        "POST /api/v1/auth/refresh": RouteDescription(
            id: "refreshSession", topic: .people, summary: "Renew a session",
            detail: "A refresh token is good once. One that comes again ends its session.",
            body: .json(
                .order([.always("refresh_token", Components.token), .optional("organization_id", .uuid)]),
                example: ["refresh_token": "…"]),
            answers: [pair], problems: [.unauthenticated, .forbidden, .notFound, .malformedJSON, .tooManyAttempts]),
        "POST /api/v1/auth/logout": RouteDescription(
            id: "logOut", topic: .people, summary: "End the session", detail: RouteDescription.forPeople,
            answers: [.none(.noContent, "It has ended.")], problems: [.forbidden], asksForCaller: true),
        "POST /api/v1/auth/password": RouteDescription(
            id: "changePassword", topic: .people, summary: "Change the password",
            detail: "Every other session of the person ends. " + RouteDescription.forPeople,
            body: .json(
                .order([
                    .always("current_password", .text(1...256)), .always("new_password", Components.password),
                ]), example: ["current_password": "correct horse", "new_password": "battery staple"]),
            answers: [.none(.noContent, "It is changed.")],
            problems: [.forbidden, .malformedJSON, .tooManyAttempts, .overloaded], asksForCaller: true),
        "GET /api/v1/auth/me": RouteDescription(
            id: "getCaller", topic: .people, summary: "Who asks",
            answers: [.json("A person or a key, and what they may do.", .reference("Caller"))],
            problems: [.notFound], asksForCaller: true),
    ]
}

extension OrganizationRoutes {
    private static let body = RouteDescription.Body.json(
        .order([.always("name", Components.accountName)]), example: ["name": "Example Ltd"])

    static let descriptions: RouteDescriptions = [
        "GET /api/v1/organizations": RouteDescription(
            id: "listOrganizations", topic: .organizations, summary: "List the caller's organizations",
            answers: [
                .json(
                    "Those of the person with their role, or the one of the key.",
                    .page(of: .any(of: [.reference("Membership"), .reference("Organization")])))
            ], asksForCaller: true),
        "POST /api/v1/organizations": RouteDescription(
            id: "createOrganization", topic: .organizations, summary: "Make an organization",
            detail: RouteDescription.forPeople, body: body,
            answers: [
                .json(.created, "It, and the caller as its owner.", .reference("Membership"), headers: [.location])
            ],
            problems: [.forbidden, .conflict, .malformedJSON], asksForCaller: true),
        "GET /api/v1/organizations/{id}": RouteDescription(
            id: "getOrganization", topic: .organizations, summary: "Read the organization",
            answers: [.json("The organization.", .reference("Organization"))]),
        "PATCH /api/v1/organizations/{id}": RouteDescription(
            id: "renameOrganization", topic: .organizations, summary: "Rename the organization", body: body,
            answers: [.json("The organization.", .reference("Organization"))], problems: [.conflict, .malformedJSON]),
        "POST /api/v1/organizations/{id}/transfer": RouteDescription(
            id: "transferOrganization", topic: .organizations, summary: "Make another member the owner",
            body: .json(.order([.always("person_id", .uuid)]), example: ["person_id": Components.exampleID]),
            answers: [.json("The organization.", .reference("Organization"))],
            problems: [.forbidden, .conflict, .malformedJSON]),
    ]
}

extension MemberRoutes {
    static let descriptions: RouteDescriptions = [
        "GET /api/v1/organizations/{id}/members": RouteDescription(
            id: "listMembers", topic: .organizations, summary: "List members", parameters: [.cursor, .limit],
            answers: [.json("A page.", .page(of: .reference("Member")))]),
        "PATCH /api/v1/organizations/{id}/members/{person_id}": RouteDescription(
            id: "setRole", topic: .organizations, summary: "Give a member another role",
            detail: "Nobody gives more than they have, and nobody touches who has more.",
            body: .json(.order([.always("role", Components.invitable)]), example: ["role": "viewer"]),
            answers: [.json("The member.", .reference("Member"))], problems: [.forbidden, .conflict, .malformedJSON]),
        "DELETE /api/v1/organizations/{id}/members/{person_id}": RouteDescription(
            id: "removeMember", topic: .organizations, summary: "Remove a member",
            answers: [.none(.noContent, "They are gone.")], problems: [.forbidden, .conflict]),
        "POST /api/v1/organizations/{id}/leave": RouteDescription(
            id: "leaveOrganization", topic: .organizations, summary: "Leave the organization",
            detail: RouteDescription.forPeople, answers: [.none(.noContent, "The caller is out.")],
            problems: [.forbidden, .conflict], asksForCaller: true),
    ]
}

extension InvitationRoutes {
    static let descriptions: RouteDescriptions = [
        "GET /api/v1/organizations/{id}/invitations": RouteDescription(
            id: "listInvitations", topic: .organizations, summary: "List invitations", parameters: [.cursor, .limit],
            answers: [.json("A page, without the tokens.", .page(of: .reference("Invitation")))]),
        "POST /api/v1/organizations/{id}/invitations": RouteDescription(
            id: "invite", topic: .organizations, summary: "Invite somebody",
            detail: "No mail is sent: pass the token on. A new invitation for an address takes the old one's place.",
            body: .json(
                .order([.always("email", Components.emailAddress), .always("role", Components.invitable)]),
                example: ["email": "bob@example.com", "role": "member"]),
            answers: [.json(.created, "The invitation with its token.", .reference("Invitation"))],
            problems: [.forbidden, .conflict, .malformedJSON]),
        "DELETE /api/v1/organizations/{id}/invitations/{invitation_id}": RouteDescription(
            id: "takeBackInvitation", topic: .organizations, summary: "Take an invitation back",
            answers: [.none(.noContent, "It is gone.")]),
        "POST /api/v1/invitations/accept": RouteDescription(
            id: "acceptInvitation", topic: .organizations, summary: "Accept an invitation",
            detail: RouteDescription.forPeople,
            body: .json(.order([.always("token", Components.token)]), example: ["token": "…"]),
            answers: [.json("The person's organizations.", .page(of: .reference("Membership")))],
            problems: [.forbidden, .notFound, .conflict, .malformedJSON], asksForCaller: true),
    ]
}

extension KeyRoutes {
    static let descriptions: RouteDescriptions = [
        "GET /api/v1/api-keys": RouteDescription(
            id: "listKeys", topic: .keys, summary: "List API keys",
            parameters: [.query("cursor", .word, "`next_cursor` of the page before."), .limit],
            answers: [.json("A page.", .page(of: .reference("APIKey")))]),
        "POST /api/v1/api-keys": RouteDescription(
            id: "createKey", topic: .keys, summary: "Make an API key", detail: "It is shown this once.",
            body: .json(.reference("NewKey"), example: ["name": "shop", "scopes": ["events:write"]]),
            answers: [.json(.created, "The key.", .reference("APIKey"), headers: [.location])],
            problems: [.forbidden, .malformedJSON]),
        "GET /api/v1/api-keys/{id}": RouteDescription(
            id: "getKey", topic: .keys, summary: "Read an API key",
            answers: [.json("All but the key itself.", .reference("APIKey"))]),
        "POST /api/v1/api-keys/{id}/rotate": RouteDescription(
            id: "rotateKey", topic: .keys, summary: "Make a key's successor",
            detail: "The old key goes on working for the overlap: a day, unless it is said otherwise.",
            body: RouteDescription.Body(
                content: [
                    .init(
                        "application/json", .order([.optional("overlap_seconds", .integer(0...2_592_000))]),
                        example: ["overlap_seconds": 3_600])
                ], isRequired: false),
            answers: [.json(.created, "The successor.", .reference("APIKey"), headers: [.location])],
            problems: [.forbidden, .malformedJSON]),
        "DELETE /api/v1/api-keys/{id}": RouteDescription(
            id: "revokeKey", topic: .keys, summary: "Revoke an API key",
            answers: [.none(.noContent, "It opens nothing any more, on the other gateways within 30 s.")]),
    ]
}

extension AuditRoutes {
    static let descriptions: RouteDescriptions = [
        "GET /api/v1/audit": RouteDescription(
            id: "listAudit", topic: .audit, summary: "Who changed what",
            parameters: [
                .query("action", .word, "Of this kind."), .query("actor", .word, "By this person or key."),
                .query("cursor", .word, "`next_cursor` of the page before."), .limit,
            ],
            answers: [.json("A page, the newest first.", .page(of: .reference("AuditEntry")))])
    ]
}
