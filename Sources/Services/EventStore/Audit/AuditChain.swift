import Crypto
import EventModel

/// The chain of the audit log: each entry's HMAC-SHA-256 covers the entry and the HMAC before it.
///
/// Under a key that the database does not hold, so that who can write to the database and nowhere else can neither
/// change an entry, nor leave one out, nor add one, without being noticed. What goes in is written with its length in
/// front, so that no two entries give the same bytes.
///
/// What follows an entry is made of its seal, which stands in the head of the log until the next entry takes its place,
/// and nowhere else: an end that was cut off can't be covered up by a head that fits what is left.
struct AuditChain: Sendable {
    let key: SymmetricKey

    /// In front of the first entry.
    func start(of organizationID: UniqueID) -> [UInt8] { seal([], of: organizationID, at: 0) }

    /// What the head holds after an entry.
    func seal(_ hash: [UInt8], of organizationID: UniqueID, at sequence: Int64) -> [UInt8] {
        var bytes = Array("head of the audit log".utf8) + organizationID.bytes + hash
        withUnsafeBytes(of: sequence.bigEndian) { bytes.append(contentsOf: $0) }
        return Array(HMAC<SHA256>.authenticationCode(for: bytes, using: key))
    }

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
