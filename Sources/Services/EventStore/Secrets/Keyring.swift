// Secrets at rest.
//
// WHAT. The secrets of actions (signing secrets, tokens, credentials in headers) and of sources lie in PostgreSQL
// encrypted. PostgreSQL never has the key: a copy of the database, a dump or a replica, gives none of them away. Redis
// holds ids of deliveries and nothing else.
//
// HOW. AES-256-GCM (NIST SP 800-38D) with a new nonce of 96 random bits for each secret. What is authenticated with it
// is the place of the secret: whose it is, of which trigger or source, and where in it. So a secret opens in its own
// row and place only, and whoever may write to the database can't move another's secret into a trigger that sends it to
// him.
//
// FORM. `<key id>.<Base64 of nonce, ciphertext and tag>`. The id of a key is computed from it and tells nothing about
// it.
//
// ROTATION. A process seals under its current key and opens under any that it has. `collider secrets reseal` writes
// everything anew under the current one; then the old one can go. The table `encryption_keys` says which keys are in
// use, so that a process that lacks one of them refuses to start, instead of failing at each secret.

import Crypto
import EventModel
public import Runtime

/// The keys that a process has for stored secrets.
public struct Keyring: Sendable {
    /// The id of the key that new secrets are sealed under.
    public let currentID: String
    private let keys: [String: SymmetricKey]

    /// Makes a ring of the configured keys.
    ///
    /// - Throws: ``ConfigurationError`` when there is no current one.
    public init(_ settings: EncryptionSettings) throws(ConfigurationError) {
        guard let current = settings.current else {
            throw ConfigurationError(
                key: "COLLIDER_ENCRYPTION_KEY",
                message: "is not set; secrets of actions are stored under it (`openssl rand -hex 32` makes one)")
        }
        currentID = Self.id(of: current)
        var keys: [String: SymmetricKey] = [:]
        for key in settings.old + [current] { keys[Self.id(of: key)] = SymmetricKey(data: key) }
        self.keys = keys
    }

    /// The ids of all its keys.
    public var ids: Set<String> { Set(keys.keys) }

    /// The first 64 bits of a digest that is used for nothing else, in hexadecimal.
    private static func id(of key: [UInt8]) -> String {
        let code = HMAC<SHA256>.authenticationCode(
            for: Array("collider encryption key id".utf8), using: SymmetricKey(data: key))
        return code.prefix(8).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    /// The sealed form of a secret.
    func seal(_ secret: [UInt8], at place: SecretPlace) throws -> String {
        guard let key = keys[currentID],
            let box = try AES.GCM.seal(secret, using: key, authenticating: place.bytes).combined
        else { throw EventStoreError(.unexpected, "a secret could not be sealed") }
        return "\(currentID).\(Base64.encode(Array(box)))"
    }

    /// A secret out of its sealed form.
    ///
    /// - Throws: ``EventStoreError`` of code `sealed` when the key is not here, or the text was made elsewhere.
    func open(_ sealed: String, at place: SecretPlace) throws -> [UInt8] {
        guard let id = Self.keyID(of: sealed) else {
            throw EventStoreError(.sealed, "what is stored \(place) is no sealed secret")
        }
        guard let key = keys[id] else {
            throw EventStoreError(
                .sealed,
                "the secret \(place) was encrypted under the key \(id), which is not here; "
                    + "give it in COLLIDER_ENCRYPTION_KEYS_OLD, or set the secret anew")
        }
        do {
            let bytes = Base64.decode(String(sealed.dropFirst(id.count + 1))) ?? []
            return Array(try AES.GCM.open(AES.GCM.SealedBox(combined: bytes), using: key, authenticating: place.bytes))
        } catch {
            throw EventStoreError(.sealed, "the secret \(place) can't be opened; set it anew")
        }
    }

    /// The id of the key that a secret was sealed under; nil for a text of another form.
    static func keyID(of sealed: String) -> String? {
        let id = sealed.prefix { $0 != "." }
        guard id.utf8.count == 16, sealed.utf8.count > 17,
            id.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        return String(id)
    }
}

/// Where a secret belongs: it opens nowhere else.
struct SecretPlace: Sendable, CustomStringConvertible {
    /// What is authenticated with the secret.
    let bytes: [UInt8]
    let description: String

    /// A secret of an action.
    ///
    /// - Parameter pointer: where it stands in the trigger's definition (RFC 6901).
    static func trigger(_ id: UniqueID, of organization: UniqueID, pointer: String) -> SecretPlace {
        SecretPlace("collider.trigger", organization, id, pointer, "at \(pointer) of trigger \(id)")
    }

    /// The secrets of a source.
    static func source(_ id: UniqueID, of organization: UniqueID) -> SecretPlace {
        SecretPlace("collider.source", organization, id, "", "of source \(id)")
    }

    /// The ids have a fixed length and the kind ends in a byte that is no text, so that no two places look the same.
    private init(_ kind: String, _ organization: UniqueID, _ id: UniqueID, _ pointer: String, _ text: String) {
        bytes = Array(kind.utf8) + [0] + organization.bytes + id.bytes + Array(pointer.utf8)
        description = text
    }
}
