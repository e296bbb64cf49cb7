/// What a caller may do: the scopes of an API key, or those that a person's role gives (``Role``).
public enum Scope: String, Sendable, CaseIterable {
    case eventsWrite = "events:write"
    case eventsRead = "events:read"
    case triggersRead = "triggers:read"
    case triggersWrite = "triggers:write"
    case deliveriesRead = "deliveries:read"
    case deliveriesWrite = "deliveries:write"
    case schemasRead = "schemas:read"
    case sourcesRead = "sources:read"
    case sourcesWrite = "sources:write"
    case membersRead = "members:read"
    case membersWrite = "members:write"
    case keysRead = "keys:read"
    case keysWrite = "keys:write"
    case auditRead = "audit:read"
    case organizationWrite = "organization:write"
    /// To give the organization away. Only its owner has it, and no key.
    case organizationOwn = "organization:own"
    /// All of the above but `organization:own`, and what is still to come.
    case admin

    /// Those that a key can have.
    public static let ofKeys = allCases.filter { $0 != .organizationOwn }

    /// The scopes that those of a key stand for: `admin` holds every other one.
    public static func expand(_ scopes: Set<Scope>) -> Set<Scope> {
        scopes.contains(.admin) ? Set(ofKeys) : scopes.subtracting([.organizationOwn])
    }
}
