import Crypto
import EventModel
public import PostgresWire
import Runtime
import Synchronization
import TriggerEngine

/// The API keys that open organizations.
///
/// A key that was found is remembered for 30 seconds, so that a revocation takes effect within that time, and at once
/// on the gateway that was asked for it.
public final class KeyStore: Sendable {
    private struct Remembered {
        let hash: [UInt8]
        let principal: Principal
        let blocks: [AddressBlock]
        let until: ContinuousClock.Instant
    }

    private struct Memory {
        var keys: [String: Remembered] = [:]
        /// How often something was forgotten: what was being looked up meanwhile may be out of date.
        var forgotten = 0
    }

    /// Most keys of an organization that are good at the same time.
    public static let maximumKeys = 1_000
    private static let memoryLimit = 10_000
    private static let memoryTime = Duration.seconds(30)

    let pool: PostgresPool
    let pepper: SymmetricKey
    let audit: AuditLog
    private let memory = Mutex(Memory())

    /// Makes a store.
    ///
    /// - Parameter secret: `JWT_SECRET`, from which the pepper of stored keys is derived.
    /// - Throws: ``ConfigurationError`` when there is none.
    public init(pool: PostgresPool, secret: String?) throws {
        self.pool = pool
        pepper = try DerivedKey.make(secret, for: .apiKeys)
        audit = try AuditLog(secret: secret)
    }

    /// Who a key speaks for, if that was asked a moment ago; nil says nothing about the key.
    ///
    /// A key that is bound to addresses is never remembered here.
    public func remembered(_ text: String) -> Principal? {
        guard let key = APIKey(text), let known = memory.withLock({ $0.keys[key.id] }), known.until > .now,
            known.blocks.isEmpty
        else { return nil }
        return key.matches(known.hash, pepper: pepper) ? known.principal : nil
    }

    /// Who a key speaks for, or nil when it is unknown, expired, revoked, not for this address, or no key at all.
    ///
    /// - Parameter address: where the request comes from, as text; nil when that is not known.
    public func authenticate(_ text: String, from address: String? = nil) async throws -> Principal? {
        guard let key = APIKey(text) else { return nil }
        let (remembered, forgotten) = memory.withLock { ($0.keys[key.id], $0.forgotten) }
        if let remembered, remembered.until > .now {
            return key.matches(remembered.hash, pepper: pepper) ? Self.admit(remembered, from: address) : nil
        }
        let now = ContinuousClock.now
        guard let row = try await pool.query(KeyStatements.find, [.text(key.id)]).first else {
            return nil
        }
        let hash = try row.decode(1, as: PostgresBytes.self).bytes
        guard key.matches(hash, pepper: pepper) else { return nil }
        let principal = Principal(
            actor: .key(id: key.id), organizationID: try row.decode(0),
            scopes: Scope.expand(Scope.read(try row.decode(2))))
        let secondsLeft = try row.decodeIfPresent(4, as: Double.self).map { Duration.seconds($0) }
        let blocks = try row.decode(3, as: [String].self)
        let known = Remembered(
            hash: hash, principal: principal, blocks: blocks.compactMap { AddressBlock($0) },
            until: now.advanced(by: min(Self.memoryTime, secondsLeft ?? Self.memoryTime)))
        // A block that can't be read must not let everybody in.
        guard known.blocks.count == blocks.count else { return nil }
        memory.withLock {
            guard $0.forgotten == forgotten else { return }
            // Forgetting everything is rare, cheap to make good, and needs no order of use.
            if $0.keys.count >= Self.memoryLimit { $0.keys.removeAll(keepingCapacity: true) }
            $0.keys[key.id] = known
        }
        guard let admitted = Self.admit(known, from: address) else { return nil }
        try await pool.query(KeyStatements.noteUse, [.text(key.id)])
        return admitted
    }

    private static func admit(_ known: Remembered, from address: String?) -> Principal? {
        guard !known.blocks.isEmpty else { return known.principal }
        guard let address else { return nil }
        return known.blocks.contains { $0.contains(address) } ? known.principal : nil
    }

    func forget(_ id: String) {
        memory.withLock {
            $0.keys[id] = nil
            $0.forgotten += 1
        }
    }
}

// MARK: - The command line

extension KeyStore {
    /// Makes a key, and the organization when there is none of that name; for the administrator's role.
    public func create(organization: String, name: String, scopes: Set<Scope>) async throws -> CreatedKey {
        let key = APIKey.generate()
        return try await pool.withTransaction { connection in
            let added = try await connection.query(
                KeyStatements.addOrganization, [.uuid(.generate()), .text(organization)])
            let found = try await connection.query(KeyStatements.organizationNamed, [.text(organization)])
            guard let organizationID: UniqueID = try found.first?.decode(0) else {
                throw EventStoreError(.unexpected, "the organization \(organization) was not made")
            }
            try await add(key, KeyRequest(name: name, scopes: scopes), organizationID, by: nil, on: connection)
            let actor = AuditActor.commandLine(audit)
            if added.affectedRows > 0 {
                let made = AuditChange(
                    "organization.created", organizationID.description, details: [("name", organization)])
                try await actor.note(made, organizationID: organizationID, on: connection)
            }
            try await actor.note(
                .key(.created, key.id, name: name, scopes: scopes), organizationID: organizationID, on: connection)
            return CreatedKey(id: key.id, plaintext: key.plaintext, organizationID: organizationID)
        }
    }

    /// All keys, oldest first; the keys themselves are not known. For the administrator's role.
    public func list() async throws -> [KeyListing] {
        try await pool.query(KeyStatements.listAll).map { try KeyListing($0) }
    }

    /// Revokes a key for good; false when there is no active key of that id. For the administrator's role.
    public func revoke(_ id: String) async throws -> Bool {
        try await pool.withTransaction { connection in
            let rows = try await connection.query(KeyStatements.revokeAny, [.text(id)])
            guard let organizationID: UniqueID = try rows.first?.decode(0) else { return false }
            try await AuditActor.commandLine(audit).note(
                .key(.revoked, id), organizationID: organizationID, on: connection)
            return true
        }
    }

    func add(
        _ key: APIKey, _ request: KeyRequest, _ organizationID: UniqueID, by creator: String?,
        on connection: PostgresConnection
    ) async throws {
        try await connection.query(
            KeyStatements.add,
            [
                .text(key.id), .uuid(organizationID), .text(request.name), .bytes(key.hash(pepper: pepper)),
                .texts(request.scopes.map(\.rawValue).sorted()), .optional(request.expiresAt),
                .texts(request.allowedAddresses), .optional(creator),
            ])
    }
}
