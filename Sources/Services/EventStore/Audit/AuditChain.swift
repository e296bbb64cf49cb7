import Crypto
import EventModel

/// The chain of the audit log: each entry's HMAC-SHA-256 covers the entry and the HMAC before it.
///
/// Under a key that the database does not hold, so that who can write to the database and nowhere else can neither
/// change an entry, nor leave one out, nor add one, without being noticed. What goes in is written with its length in
/// front, so that no two entries give the same bytes.
struct AuditChain: Sendable {
    /// In front of the first entry.
    static let start = [UInt8](repeating: 0, count: 32)

    let key: SymmetricKey

    func hash(_ entry: AuditEntry, of organizationID: UniqueID, after previous: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = previous + organizationID.bytes
        for number in [entry.sequence, entry.at.microseconds] {
            withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
        }
        let texts = [
            entry.actorKind, entry.actor, entry.address, entry.requestID, entry.action, entry.target, entry.details,
        ]
        for text in texts {
            withUnsafeBytes(of: UInt32(text.utf8.count).bigEndian) { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: text.utf8)
        }
        return Array(HMAC<SHA256>.authenticationCode(for: bytes, using: key))
    }
}
