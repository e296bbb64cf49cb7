public import EventModel
import JSONTree

/// Who changes something, and from where.
public struct AuditActor: Sendable {
    /// What acts.
    public enum Kind: String, Sendable, CaseIterable { case person, key, `operator` }

    /// What acts.
    public let kind: Kind
    /// A person's id, a key's, or the word for whoever has the database.
    public let id: String
    /// The address that the request came from; empty when there is none.
    public let address: String
    /// Id of the request; empty when there is none.
    public let requestID: String

    /// Makes an actor.
    public init(kind: Kind, id: String, address: String, requestID: String) {
        self.kind = kind
        self.id = id
        self.address = address
        self.requestID = requestID
    }

    /// Whoever works on the database itself.
    static let commandLine = AuditActor(kind: .operator, id: "command line", address: "", requestID: "")
}

/// What was changed.
public struct AuditChange: Sendable {
    /// A noun and what became of it, such as `key.created`, or a method and a route.
    public let action: String
    /// What it was done to: an id, or empty.
    public let target: String
    /// What else there is to say, in order; holds no secret.
    public let details: [(name: String, value: String)]

    /// Makes a change.
    public init(_ action: String, _ target: String = "", details: [(name: String, value: String)] = []) {
        self.action = action
        self.target = target
        self.details = details
    }

    enum KeyChange: String { case created, rotated, revoked }

    static func key(
        _ change: KeyChange, _ id: String, name: String? = nil, scopes: Set<Scope>? = nil, replacement: String? = nil
    ) -> AuditChange {
        var details: [(String, String)] = []
        if let name { details.append(("name", name)) }
        if let scopes { details.append(("scopes", scopes.map(\.rawValue).sorted().joined(separator: " "))) }
        if let replacement { details.append(("replaced_by", replacement)) }
        return AuditChange("key.\(change.rawValue)", id, details: details)
    }
}

/// An entry of the audit log as it is stored.
public struct AuditEntry: Sendable {
    /// Its place in the log of its organization; the first is 1.
    public let sequence: Int64
    /// When it was written.
    public let at: Timestamp
    /// Who did it, and from where. The kind is kept as stored, so that a later release's can be read.
    public let actorKind: String
    /// A person's id, a key's, or a word.
    public let actor: String
    /// The address that the request came from.
    public let address: String
    /// Id of the request.
    public let requestID: String
    /// What was done.
    public let action: String
    /// What it was done to.
    public let target: String
    /// A JSON object, as it was hashed.
    public let details: String
}
