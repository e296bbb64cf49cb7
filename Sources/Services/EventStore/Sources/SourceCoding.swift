import ActionModel
import Crypto
import EventModel
import JSONTree
import PostgresWire

/// Sources as rows: the one place that reads and writes the columns `definition` and `secrets`.
///
/// The secrets of a source are sealed together (see `Keyring.swift`). Earlier releases sealed them under a key derived
/// from `JWT_SECRET`; such rows are read as long as that stays, until they are written anew.
struct SourceCoding: Sendable {
    let keyring: Keyring
    private let earlierKey: SymmetricKey?

    /// - Parameter secret: `JWT_SECRET`, for rows of earlier releases.
    init(keyring: Keyring, secret: String?) {
        self.keyring = keyring
        earlierKey = secret.map {
            HKDF<SHA256>.deriveKey(
                inputKeyMaterial: SymmetricKey(data: Array($0.utf8)), info: Array("collider source secrets".utf8),
                outputByteCount: 32)
        }
    }

    /// The columns `definition` and `secrets`.
    func encode(
        _ definition: SourceDefinition, id: UniqueID, organizationID: UniqueID
    ) throws -> [PostgresParameter] {
        var written = JSONWriter()
        written.object { definition.write(to: &$0, secrets: .masked) }
        var secrets = JSONWriter()
        secrets.array { list in definition.verification.secrets.forEach { list.string($0) } }
        let sealed = try keyring.seal(secrets.bytes, at: .source(id, of: organizationID))
        return [.text(String(decoding: written.bytes, as: UTF8.self)), .bytes(Array(sealed.utf8))]
    }

    /// The source in a row of ``SourceStatements``.
    ///
    /// - Throws: ``EventStoreError`` of code `sealed` when its secrets can't be opened.
    func source(_ row: PostgresRow) throws -> Source {
        let id = try row.decode(0, as: UniqueID.self)
        let organization = try row.decode(1, as: UniqueID.self)
        let key = try row.decode(2, as: String.self)
        guard let hookKey = HookKey(key) else {
            throw EventStoreError(.unexpected, "the hook key of source \(id) is none")
        }
        let definition = try row.decode(3, as: PostgresJSON.self)
        let secrets = try open(
            row.decode(4, as: PostgresBytes.self).bytes, id: id, organizationID: organization
        )
        return try Source(
            id: id, organizationID: organization, hookKey: hookKey,
            definition: SourceDefinition(
                JSONDocument(definition.bytes).root,
                storedSecrets: JSONDocument(secrets).root.elements.compactMap(\.string)),
            createdAt: row.decode(5), updatedAt: row.decode(6))
    }

    /// The secrets as they were before they were sealed.
    func open(_ sealed: [UInt8], id: UniqueID, organizationID: UniqueID) throws -> [UInt8] {
        if let text = Self.text(sealed) { return try keyring.open(text, at: .source(id, of: organizationID)) }
        do {
            guard let earlierKey else { throw CryptoKitError.incorrectKeySize }
            return Array(
                try AES.GCM.open(AES.GCM.SealedBox(combined: sealed), using: earlierKey, authenticating: id.bytes))
        } catch {
            throw EventStoreError(
                .sealed, "the secrets of source \(id) can't be opened; was JWT_SECRET changed? Set them anew")
        }
    }

    /// The column as the text that a keyring wrote; nil in a row of an earlier release, which holds bytes of chance.
    static func text(_ sealed: [UInt8]) -> String? {
        let text = String(validating: sealed, as: UTF8.self)
        return text.flatMap { Keyring.keyID(of: $0) == nil ? nil : $0 }
    }
}
