public import EventModel

/// Who asks, and what they may do.
public struct Principal: Sendable {
    /// What was shown: a key, or an access token of a session.
    public enum Actor: Sendable, Equatable {
        case key(id: String)
        case person(UniqueID, session: UniqueID, role: Role)
    }

    /// Who asks.
    public let actor: Actor
    /// The organization that they speak for.
    public let organizationID: UniqueID
    /// What they may do; `admin` stands for what ``Scope/expand(_:)`` says, and all of that is in the set then.
    public let scopes: Set<Scope>

    /// Makes a principal.
    public init(actor: Actor, organizationID: UniqueID, scopes: Set<Scope>) {
        self.actor = actor
        self.organizationID = organizationID
        self.scopes = scopes
    }

    /// The key's public half, or the person's id.
    public var id: String {
        switch actor {
        case .key(let id): id
        case .person(let id, _, _): id.description
        }
    }

    /// A person in their session.
    public struct Person: Sendable {
        /// The person.
        public let id: UniqueID
        /// The session whose access token they showed.
        public let session: UniqueID
        /// What they are in the organization.
        public let role: Role
    }

    /// The person, when it is one.
    public var person: Person? {
        guard case .person(let id, let session, let role) = actor else { return nil }
        return Person(id: id, session: session, role: role)
    }
}
