/// What an API key may do.
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
    /// All of the above, and what is still to come.
    case admin

    /// The scopes that a set stands for: `admin` holds every other one.
    static func expand(_ scopes: Set<Scope>) -> Set<Scope> {
        scopes.contains(.admin) ? Set(allCases) : scopes
    }
}
