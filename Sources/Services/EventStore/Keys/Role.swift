/// What a member is in an organization.
public enum Role: String, Sendable, CaseIterable {
    case owner
    case admin
    case member
    case viewer

    /// The rights of every role, in one table: a line for each scope, with the roles that have it.
    ///
    /// docs/identity.md shows the same table, and a test compares the two.
    public static let rights: [(scope: Scope, roles: Set<Role>)] = [
        (.eventsWrite, [.owner, .admin, .member]),
        (.eventsRead, [.owner, .admin, .member, .viewer]),
        (.triggersRead, [.owner, .admin, .member, .viewer]),
        (.triggersWrite, [.owner, .admin, .member]),
        (.deliveriesRead, [.owner, .admin, .member, .viewer]),
        (.deliveriesWrite, [.owner, .admin, .member]),
        (.schemasRead, [.owner, .admin, .member, .viewer]),
        (.sourcesRead, [.owner, .admin, .member, .viewer]),
        (.sourcesWrite, [.owner, .admin, .member]),
        (.membersRead, [.owner, .admin, .member, .viewer]),
        (.membersWrite, [.owner, .admin]),
        (.keysRead, [.owner, .admin, .member]),
        (.keysWrite, [.owner, .admin]),
        (.auditRead, [.owner, .admin]),
        (.organizationWrite, [.owner, .admin]),
        (.organizationOwn, [.owner]),
        (.admin, [.owner, .admin]),
    ]

    /// What the role may do.
    public var scopes: Set<Scope> {
        Self.scopesOfRoles[self] ?? []
    }

    private static let scopesOfRoles = Dictionary(
        uniqueKeysWithValues: allCases.map { role in
            (role, Set(rights.filter { $0.roles.contains(role) }.map(\.scope)))
        })
}
