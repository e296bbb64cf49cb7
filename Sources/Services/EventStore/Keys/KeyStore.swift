import Crypto
import EventModel
public import PostgresWire
import Runtime
import Synchronization

/// Organizations and the API keys that open them.
///
/// `authenticate` is for the gateway's role, the rest for the administrator's. A key that was found is remembered for
/// 30 seconds, so that a revocation takes effect within that time.
public final class KeyStore: Sendable {
    private struct Remembered {
        let hash: [UInt8]
        let principal: Principal
        let until: ContinuousClock.Instant
    }

    private static let memoryLimit = 10_000
    private static let memoryTime = Duration.seconds(30)

    private let pool: PostgresPool
    private let pepper: SymmetricKey
    private let memory = Mutex<[String: Remembered]>([:])

    /// Makes a store.
    ///
    /// - Parameter secret: `JWT_SECRET`, from which the pepper of stored keys is derived.
    /// - Throws: ``ConfigurationError`` when there is none.
    public init(pool: PostgresPool, secret: String?) throws {
        guard let secret else {
            throw ConfigurationError(key: "JWT_SECRET", message: "is not set; API keys cannot be checked without it")
        }
        self.pool = pool
        pepper = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: Array(secret.utf8)), info: Array("collider api keys".utf8),
            outputByteCount: 32)
    }

    /// Who a key speaks for, if that was asked a moment ago; nil says nothing about the key.
    public func remembered(_ text: String) -> Principal? {
        guard let key = APIKey(text), let known = memory.withLock({ $0[key.id] }), known.until > .now else {
            return nil
        }
        return key.matches(known.hash, pepper: pepper) ? known.principal : nil
    }

    /// Who a key speaks for, or nil when it is unknown, revoked, or no key at all.
    public func authenticate(_ text: String) async throws -> Principal? {
        guard let key = APIKey(text) else { return nil }
        let now = ContinuousClock.now
        if let known = memory.withLock({ $0[key.id] }), known.until > now {
            return key.matches(known.hash, pepper: pepper) ? known.principal : nil
        }
        guard let row = try await pool.query(Self.find, [.text(key.id)]).first else {
            memory.withLock { $0[key.id] = nil }
            return nil
        }
        let hash = try row.decode(1, as: PostgresBytes.self).bytes
        guard key.matches(hash, pepper: pepper) else { return nil }
        let principal = Principal(
            id: key.id, organizationID: try row.decode(0), scopes: Scope.expand(try Self.scopes(row, 2)))
        memory.withLock {
            // Forgetting everything is rare, cheap to make good, and needs no order of use.
            if $0.count >= Self.memoryLimit { $0.removeAll(keepingCapacity: true) }
            $0[key.id] = Remembered(hash: hash, principal: principal, until: now.advanced(by: Self.memoryTime))
        }
        return principal
    }

    /// Makes a key, and the organization when there is none of that name.
    public func create(organization: String, name: String, scopes: Set<Scope>) async throws -> CreatedKey {
        let key = APIKey.generate()
        return try await pool.withTransaction { connection in
            _ = try await connection.query(Self.addOrganization, [.uuid(.generate()), .text(organization)])
            let found = try await connection.query(Self.organizationNamed, [.text(organization)])
            guard let organizationID: UniqueID = try found.first?.decode(0) else {
                throw EventStoreError(.unexpected, "the organization \(organization) was not made")
            }
            _ = try await connection.query(
                Self.addKey,
                [
                    .text(key.id), .uuid(organizationID), .text(name), .bytes(key.hash(pepper: pepper)),
                    .texts(scopes.map(\.rawValue).sorted()),
                ])
            return CreatedKey(id: key.id, plaintext: key.plaintext, organizationID: organizationID)
        }
    }

    /// All keys, oldest first; the keys themselves are not known.
    public func list() async throws -> [KeyListing] {
        try await pool.query(Self.listKeys).map { row in
            KeyListing(
                id: try row.decode(0), organization: try row.decode(1), name: try row.decode(2),
                scopes: try Self.scopes(row, 3), createdAt: try row.decode(4), revokedAt: try row.decodeIfPresent(5))
        }
    }

    /// Revokes a key for good; false when there is no active key of that id.
    public func revoke(_ id: String) async throws -> Bool {
        try await pool.query(Self.revokeKey, [.text(id)]).affectedRows == 1
    }

    private static func scopes(_ row: PostgresRow, _ column: Int) throws -> Set<Scope> {
        // A scope that a newer release knows gives nothing here.
        Set(try row.decode(column, as: [String].self).compactMap { Scope(rawValue: $0) })
    }

    private static let find = PostgresStatement(
        "key_find", "SELECT organization_id, hash, scopes FROM find_api_key($1)")

    private static let addOrganization = PostgresStatement(
        "organization_add", "INSERT INTO organizations (id, name) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")

    private static let organizationNamed = PostgresStatement(
        "organization_named", "SELECT id FROM organizations WHERE name = $1")

    private static let addKey = PostgresStatement(
        "key_add", "INSERT INTO api_keys (id, organization_id, name, hash, scopes) VALUES ($1, $2, $3, $4, $5)")

    private static let listKeys = PostgresStatement(
        "key_list",
        """
        SELECT k.id, o.name, k.name, k.scopes, k.created_at, k.revoked_at
        FROM api_keys k JOIN organizations o ON o.id = k.organization_id ORDER BY k.created_at, k.id
        """)

    private static let revokeKey = PostgresStatement(
        "key_revoke", "UPDATE api_keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL")
}
