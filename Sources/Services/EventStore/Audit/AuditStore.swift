public import EventModel
public import PostgresWire
import Runtime

/// Reads the audit log, checks the chain, and makes those who are noted in it.
public struct AuditStore: Sendable {
    /// What a check of an organization's chain has found.
    public struct Verification: Sendable {
        /// The organization.
        public let organizationID: UniqueID
        /// Its name.
        public let organization: String
        /// Entries that were looked at.
        public internal(set) var entries: Int64 = 0
        /// The last entry's HMAC, in hexadecimal: whoever keeps it elsewhere can show later that the log up to here is whole.
        public internal(set) var head = ""
        /// What is wrong, if anything; the chain can't be followed beyond that.
        public internal(set) var flaw: String?
    }

    private static let stretchSize = 1_000

    private let pool: PostgresPool
    private let log: AuditLog

    /// Makes a store.
    ///
    /// - Parameter secret: `JWT_SECRET`, from which the key of the chain is derived.
    public init(pool: PostgresPool, secret: String?) throws {
        self.pool = pool
        log = try AuditLog(secret: secret)
    }

    /// Who changes something, for the stores that change it.
    public func actor(_ kind: AuditActor.Kind, id: String, address: String, requestID: String) -> AuditActor {
        AuditActor(kind: kind, id: id, address: address, requestID: requestID, log: log)
    }

    /// Entries, the newest first.
    ///
    /// - Parameters:
    ///   - before: the last sequence of the page before.
    ///   - action: only of this action.
    ///   - actor: only of this actor.
    public func list(
        organizationID: UniqueID, limit: Int, before: Int64? = nil, action: String? = nil, actor: String? = nil
    ) async throws -> [AuditEntry] {
        try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(
                AuditStatements.list,
                [.uuid(organizationID), .optional(before), .optional(action), .optional(actor), .int8(Int64(limit))]
            ).map { try Self.entry($0) }
        }
    }

    /// Follows the chain of every organization, or of the one that is named; for the administrator's role.
    public func verify(organization name: String? = nil) async throws -> [Verification] {
        var found: [Verification] = []
        for row in try await pool.query(AuditStatements.organizations) {
            let verification = Verification(organizationID: try row.decode(0), organization: try row.decode(1))
            guard name == nil || name == verification.organization else { continue }
            found.append(try await verify(verification))
        }
        return found
    }

    private func verify(_ start: Verification) async throws -> Verification {
        var result = start
        let id = start.organizationID
        // Read before the entries: what is appended meanwhile lies behind it.
        let head = try await pool.query(AuditStatements.head, [.uuid(id)]).first
        let end = try head?.decode(0, as: Int64.self) ?? 0
        var previous = log.chain.start(of: id)
        var atHead = previous
        var last: [UInt8] = []
        reading: while true {
            let rows = try await pool.query(
                AuditStatements.stretch, [.uuid(id), .int8(result.entries), .int8(Int64(Self.stretchSize))])
            for row in rows {
                let entry = try Self.entry(row)
                guard entry.sequence == result.entries + 1 else {
                    result.flaw = "entry \(result.entries + 1) is missing"
                    break reading
                }
                let hash = log.chain.hash(entry, of: id, after: previous)
                guard try row.decode(9, as: PostgresBytes.self).bytes == hash else {
                    result.flaw = "entry \(entry.sequence) was changed, or one before it"
                    break reading
                }
                last = hash
                previous = log.chain.seal(hash, of: id, at: entry.sequence)
                result.entries = entry.sequence
                if entry.sequence == end { atHead = previous }
            }
            if rows.count < Self.stretchSize { break }
        }
        let isHeadless = result.entries > 0 && head == nil
        if isHeadless, try await pool.query(AuditStatements.head, [.uuid(id)]).isEmpty {
            result.flaw = "the head is missing"
        } else if result.flaw == nil, result.entries < end {
            result.flaw = "the log ends at entry \(result.entries), and \(end) were written"
        } else if result.flaw == nil, let head, try head.decode(1, as: PostgresBytes.self).bytes != atHead {
            result.flaw = "the head does not fit entry \(end)"
        }
        result.head = last.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return result
    }

    private static func entry(_ row: PostgresRow) throws -> AuditEntry {
        AuditEntry(
            sequence: try row.decode(0), at: try row.decode(1), actorKind: try row.decode(2), actor: try row.decode(3),
            address: try row.decode(4), requestID: try row.decode(5), action: try row.decode(6),
            target: try row.decode(7), details: try row.decode(8))
    }
}
