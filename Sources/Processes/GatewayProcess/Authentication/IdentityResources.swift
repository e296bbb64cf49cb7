import EventStore
import Identity
import Runtime

/// What the routes call of people, organizations and keys.
struct IdentityResources: Sendable {
    let authentication: Authentication
    let people: PeopleStore
    let accounts: Accounts
    let organizations: OrganizationStore
    let settings: IdentitySettings

    init(pool: StorePool, configuration: ColliderConfiguration, tuning: GatewayTuning) async throws {
        settings = configuration.identity
        let secret = configuration.jwtSecret
        people = try PeopleStore(pool: pool, secret: secret)
        organizations = try OrganizationStore(pool: pool, secret: secret)
        let tokens = try await AccessTokens(secret: secret)
        let sessions = SessionAuthority(tokens: tokens, people: people)
        authentication = Authentication(
            keys: try KeyStore(pool: pool, secret: secret), sessions: sessions,
            audit: try AuditStore(pool: pool, secret: secret))
        accounts = Accounts(
            people: people, attempts: try LoginGuard(people: people, secret: secret, limits: tuning.loginLimits),
            hasher: PasswordHasher(cost: tuning.passwordCost), tokens: tokens, sessions: sessions)
    }

    func add(to routes: inout RouteTable) {
        AccountRoutes(
            accounts: accounts, people: people, authentication: authentication, registration: settings.registration
        ).add(to: &routes)
        OrganizationRoutes(organizations: organizations, people: people, authentication: authentication)
            .add(to: &routes)
        MemberRoutes(organizations: organizations, authentication: authentication).add(to: &routes)
        InvitationRoutes(organizations: organizations, people: people, authentication: authentication)
            .add(to: &routes)
        KeyRoutes(keys: authentication.keys).add(to: &routes)
        AuditRoutes(audit: authentication.audit).add(to: &routes)
    }
}
