import Crypto
import EventModel
import JSONTree
import PostgresWire
import Runtime

/// Writes the audit log: append-only, one chain for each organization.
///
/// An entry is written in the transaction of the change that it tells of, see
/// ``AuditActor/note(_:organizationID:on:)``.
struct AuditLog: Sendable {
    /// Most bytes of a text in an entry; longer ones are cut.
    private static let maximumText = 500

    let chain: AuditChain

    /// Makes a log.
    ///
    /// - Parameter secret: `JWT_SECRET`, from which the key of the chain is derived.
    init(secret: String?) throws {
        chain = AuditChain(key: try DerivedKey.make(secret, for: .auditLog))
    }

    /// Writes an entry.
    func append(
        _ change: AuditChange, by actor: AuditActor, organizationID: UniqueID, on connection: PostgresConnection
    ) async throws {
        let heads = try await connection.pipeline([
            (AuditStatements.makeHead, [.uuid(organizationID), .bytes(chain.start(of: organizationID))]),
            (AuditStatements.lockHead, [.uuid(organizationID)]),
        ])
        guard let head = heads[1].first else {
            throw EventStoreError(.unexpected, "the audit log of \(organizationID) has no head")
        }
        var details = JSONWriter()
        details.object { body in
            for (name, value) in change.details { body.member(name, Self.cut(value)) }
        }
        let entry = AuditEntry(
            sequence: try head.decode(0, as: Int64.self) + 1, at: .now(), actorKind: actor.kind.rawValue,
            actor: Self.cut(actor.id), address: Self.cut(actor.address), requestID: Self.cut(actor.requestID),
            action: Self.cut(change.action), target: Self.cut(change.target),
            details: String(decoding: details.bytes, as: UTF8.self))
        let previous = try head.decode(1, as: PostgresBytes.self).bytes
        let hash = chain.hash(entry, of: organizationID, after: previous)
        let seal = chain.seal(hash, of: organizationID, at: entry.sequence)
        try await connection.pipeline([
            (
                AuditStatements.add,
                [
                    .uuid(organizationID), .int8(entry.sequence), .timestamp(entry.at), .text(entry.actorKind),
                    .text(entry.actor), .text(entry.address), .text(entry.requestID), .text(entry.action),
                    .text(entry.target), .text(entry.details), .bytes(hash),
                ]
            ),
            (AuditStatements.moveHead, [.uuid(organizationID), .int8(entry.sequence), .bytes(seal)]),
        ])
    }

    private static func cut(_ text: String) -> String {
        text.utf8.count <= maximumText ? text : String(decoding: text.utf8.prefix(maximumText), as: UTF8.self)
    }
}
