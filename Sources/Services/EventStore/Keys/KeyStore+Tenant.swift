public import EventModel
import PostgresWire
import Runtime

/// Keys as an organization manages its own; for the gateway's role.
extension KeyStore {
    /// The keys of an organization, by id.
    ///
    /// - Parameter after: the last id of the page before.
    public func list(organizationID: UniqueID, limit: Int, after: String? = nil) async throws -> [KeyListing] {
        try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(
                KeyStatements.list, [.uuid(organizationID), .optional(after), .int8(Int64(limit))]
            ).map { try KeyListing($0) }
        }
    }

    /// One key, or nil when the organization has none of this id.
    public func key(_ id: String, organizationID: UniqueID) async throws -> KeyListing? {
        try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(KeyStatements.get, [.uuid(organizationID), .text(id)]).first
                .map { try KeyListing($0) }
        }
    }

    /// Makes a key.
    ///
    /// - Throws: ``EventStoreError`` of code `conflict` when the organization has ``maximumKeys`` already.
    public func create(
        _ request: KeyRequest, by actor: AuditActor, organizationID: UniqueID
    ) async throws -> CreatedKey {
        try await pool.withTransaction(organization: organizationID) { connection in
            let key = APIKey.generate()
            try await addAnother(key, request, organizationID, by: actor, on: connection)
            try await actor.note(
                .key(.created, key.id, name: request.name, scopes: request.scopes), organizationID: organizationID,
                on: connection)
            return CreatedKey(id: key.id, plaintext: key.plaintext, organizationID: organizationID)
        }
    }

    /// Makes a key like another, which goes on to work for a while; nil when there is no good key of this id.
    ///
    /// - Parameters:
    ///   - overlap: seconds for which the old key works beside the new one.
    ///   - allows: whether such a key may be made by who asks; what it throws is thrown on.
    public func rotate(
        _ id: String, overlap: Int64, by actor: AuditActor, organizationID: UniqueID,
        allows: @Sendable (KeyRequest) throws -> Void
    ) async throws -> CreatedKey? {
        let made: CreatedKey? = try await pool.withTransaction(organization: organizationID) { connection in
            let rows = try await connection.query(KeyStatements.lock, [.uuid(organizationID), .text(id)])
            guard let old = try rows.first.map({ try KeyListing($0) }) else { return nil }
            let request = KeyRequest(
                name: old.name, scopes: old.scopes, expiresAt: old.expiresAt, allowedAddresses: old.allowedAddresses)
            try allows(request)
            if let next = old.replacedBy {
                throw EventStoreError(.conflict, "the key was rotated to \(next) already; rotate that one")
            }
            let key = APIKey.generate()
            try await addAnother(key, request, organizationID, by: actor, on: connection)
            try await connection.query(
                KeyStatements.replace, [.uuid(organizationID), .text(id), .text(key.id), .double(Double(overlap))])
            try await actor.note(
                .key(.rotated, id, replacement: key.id), organizationID: organizationID, on: connection)
            return CreatedKey(id: key.id, plaintext: key.plaintext, organizationID: organizationID)
        }
        // The old key's new end is not known to what is remembered.
        forget(id)
        return made
    }

    /// Revokes a key for good, and the invitations that it gave; false when the organization has no such key, or it was
    /// revoked before.
    ///
    /// - Parameter allows: whether a key with these scopes may be revoked by who asks; what it throws is thrown on.
    public func revoke(
        _ id: String, by actor: AuditActor, organizationID: UniqueID, allows: @Sendable (Set<Scope>) throws -> Void
    ) async throws -> Bool {
        let revoked = try await pool.withTransaction(organization: organizationID) { connection in
            let rows = try await connection.query(KeyStatements.revoke, [.uuid(organizationID), .text(id)])
            guard let row = rows.first else { return false }
            try allows(Scope.read(try row.decode(0)))
            try await connection.query(
                OrganizationStatements.dropInvitationsOf, [.uuid(organizationID), .text(id)])
            try await actor.note(.key(.revoked, id), organizationID: organizationID, on: connection)
            return true
        }
        forget(id)
        return revoked
    }

    private func addAnother(
        _ key: APIKey, _ request: KeyRequest, _ organizationID: UniqueID, by actor: AuditActor,
        on connection: PostgresConnection
    ) async throws {
        let active = try await connection.query(KeyStatements.countActive, [.uuid(organizationID)])
        guard try active[0].decode(0, as: Int64.self) < Self.maximumKeys else {
            throw EventStoreError(.conflict, "the organization has \(Self.maximumKeys) keys; revoke some")
        }
        try await add(key, request, organizationID, by: actor.id, on: connection)
    }
}
