public import EventModel
import PostgresWire

/// Who changes something, and from where; with them it is written down.
///
/// A store that changes something takes one, and notes the change in the transaction of the change: either both are
/// stored or neither is.
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
    let log: AuditLog

    /// Whoever works on the database itself.
    ///
    /// - Parameter secret: `JWT_SECRET`, from which the key of the log's chain is derived.
    public static func commandLine(secret: String?) throws -> AuditActor {
        .commandLine(try AuditLog(secret: secret))
    }

    static func commandLine(_ log: AuditLog) -> AuditActor {
        AuditActor(kind: .operator, id: "command line", address: "", requestID: "", log: log)
    }

    /// Writes a change down. It belongs at the end of the change's transaction: the head of the organization's log
    /// stays locked until the commit. Only what locks the head of a part of the event log comes after it, so that the
    /// two are locked in one order everywhere.
    func note(
        _ change: AuditChange, organizationID: UniqueID, on connection: PostgresConnection
    ) async throws {
        try await log.append(change, by: self, organizationID: organizationID, on: connection)
    }
}

/// What was changed.
public struct AuditChange: Sendable {
    /// A noun and what became of it, such as `key.created`.
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
