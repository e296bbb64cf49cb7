import ActionModel
import Crypto
import EventModel
import JSONTree
import PostgresWire
import Runtime

/// Sources as rows: the one place that reads and writes the columns `definition` and `secrets`.
///
/// The secrets of a source are needed by the gateway alone, which has `JWT_SECRET`. So they are encrypted under a key
/// derived from it, and a copy of the database forges nothing. Each is bound to its row: it opens nowhere else.
struct SourceCoding: Sendable {
    private let key: SymmetricKey

    /// - Parameter secret: `JWT_SECRET`.
    /// - Throws: ``ConfigurationError`` when there is none.
    init(secret: String?) throws {
        guard let secret else {
            throw ConfigurationError(
                key: "JWT_SECRET", message: "is not set; secrets of sources are encrypted under it")
        }
        key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: Array(secret.utf8)), info: Array("collider source secrets".utf8),
            outputByteCount: 32)
    }

    /// The columns `definition` and `secrets`.
    func encode(_ definition: SourceDefinition, id: UniqueID) throws -> [PostgresParameter] {
        var written = JSONWriter()
        written.object { definition.write(to: &$0, secrets: .masked) }
        var secrets = JSONWriter()
        secrets.array { list in definition.verification.secrets.forEach { list.string($0) } }
        let sealed = try AES.GCM.seal(secrets.bytes, using: key, authenticating: id.bytes)
        guard let box = sealed.combined else { throw Self.unreadable(id) }
        return [.text(String(decoding: written.bytes, as: UTF8.self)), .bytes(Array(box))]
    }

    /// The source in a row of ``SourceStatements``.
    ///
    /// - Throws: ``EventStoreError`` of code `unexpected` when its secrets can't be opened.
    func source(_ row: PostgresRow) throws -> Source {
        let id = try row.decode(0, as: UniqueID.self)
        let key = try row.decode(2, as: String.self)
        guard let hookKey = HookKey(key) else { throw Self.unreadable(id) }
        let definition = try row.decode(3, as: PostgresJSON.self)
        let secrets = try open(row.decode(4, as: PostgresBytes.self).bytes, id: id)
        return try Source(
            id: id, organizationID: row.decode(1), hookKey: hookKey,
            definition: SourceDefinition(JSONDocument(definition.bytes).root, storedSecrets: secrets),
            createdAt: row.decode(5), updatedAt: row.decode(6))
    }

    private func open(_ sealed: [UInt8], id: UniqueID) throws -> [String] {
        do {
            let box = try AES.GCM.SealedBox(combined: sealed)
            let opened = try AES.GCM.open(box, using: key, authenticating: id.bytes)
            return try JSONDocument(Array(opened)).root.elements.compactMap(\.string)
        } catch {
            throw Self.unreadable(id)
        }
    }

    private static func unreadable(_ id: UniqueID) -> EventStoreError {
        EventStoreError(
            .unexpected, "the secrets of source \(id) can't be opened; was JWT_SECRET changed? Set them anew")
    }
}
