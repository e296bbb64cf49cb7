public import EventModel
public import PostgresWire
public import TriggerEngine

/// The states of triggers as rows.
///
/// All methods that take a connection work in the transaction of whoever holds the part: only there are the rows those
/// of all events up to the part's position.
public struct StateStore: Sendable {
    private let pool: PostgresPool

    /// Makes a store on a pool of the pipeline's role.
    public init(pool: PostgresPool) {
        self.pool = pool
    }

    /// A state as it is stored.
    public struct StoredState: Sendable {
        /// Which state.
        public let key: StateKey
        /// What the engine wrote.
        public let bytes: [UInt8]
        /// When its timer fires; of one that was loaded for its timer.
        public let dueAt: Timestamp
    }

    /// Reads states by their keys; those that there are none of are not in the answer.
    public func load(
        _ keys: [StateKey], part: Int16, on connection: PostgresConnection
    ) async throws -> [StateKey: [UInt8]] {
        guard !keys.isEmpty else { return [:] }
        let rows = try await connection.query(StateStatements.load, [.int2(part)] + Self.parameters(of: keys))
        var found: [StateKey: [UInt8]] = [:]
        found.reserveCapacity(rows.count)
        for row in rows {
            found[keys[try row.decode(0, as: Int.self) - 1]] = try row.decode(1, as: PostgresBytes.self).bytes
        }
        return found
    }

    /// Puts changes, by organization, in the place of what there was. No key may come twice.
    public func save(
        _ changes: [UniqueID: [StateChange]], part: Int16, on connection: PostgresConnection
    ) async throws {
        let all = changes.flatMap { organization, changes in changes.map { (organization, $0) } }
        try await delete(all.filter { $1.bytes == nil }.map(\.1.key), part: part, on: connection)
        let kept = all.filter { $1.bytes != nil }
        guard !kept.isEmpty else { return }
        _ = try await connection.query(
            StateStatements.save,
            [.int2(part)] + Self.parameters(of: kept.map(\.1.key)) + [
                .uuids(kept.map(\.0)), .byteArrays(kept.map(\.1.bytes)), .timestamps(kept.map(\.1.dueAt)),
                .timestamps(kept.map(\.1.expiresAt)),
            ])
    }

    /// Removes states by their keys.
    public func delete(_ keys: [StateKey], part: Int16, on connection: PostgresConnection) async throws {
        guard !keys.isEmpty else { return }
        _ = try await connection.query(StateStatements.delete, [.int2(part)] + Self.parameters(of: keys))
    }

    private static func parameters(of keys: [StateKey]) -> [PostgresParameter] {
        [.uuids(keys.map(\.triggerID)), .int8s(keys.map(\.slot)), .byteArrays(keys.map(\.group))]
    }
}

// MARK: - Timers

extension StateStore {
    /// The parts with a timer that is due, and that `margin` ago was due already, by the server's clock.
    public func partsWithTimers(dueBefore margin: Duration) async throws -> [Int16] {
        try await pool.query(StateStatements.dueParts, [.double(margin / .seconds(1))]).map { try $0.decode(0) }
    }

    /// The organizations with timers of a part that are due at a moment or before it.
    public func organizationsWithTimers(
        of part: Int16, upTo moment: Timestamp, on connection: PostgresConnection
    ) async throws -> [UniqueID] {
        try await connection.query(StateStatements.dueOrganizations, [.int2(part), .timestamp(moment)])
            .map { try $0.decode(0) }
    }

    /// The timers of an organization that are due at a moment or before it, the first ones first.
    public func timers(
        of organizationID: UniqueID, part: Int16, upTo moment: Timestamp, limit: Int, on connection: PostgresConnection
    ) async throws -> [StoredState] {
        let parameters: [PostgresParameter] = [
            .int2(part), .timestamp(moment), .uuid(organizationID), .int8(Int64(limit)),
        ]
        return try await connection.query(StateStatements.due, parameters).map { row in
            try StoredState(
                key: Self.key(row), bytes: row.decode(3, as: PostgresBytes.self).bytes, dueAt: row.decode(4))
        }
    }

    private static func key(_ row: PostgresRow) throws -> StateKey {
        try StateKey(triggerID: row.decode(0), slot: row.decode(1), group: row.decode(2, as: PostgresBytes.self).bytes)
    }
}

// MARK: - Sweeping

extension StateStore {
    /// What a look at some rows has found.
    public struct Look: Sendable {
        /// States that mean nothing any more: of triggers that were deleted, and those that have expired.
        public let stale: [StateKey]
        /// Others that nobody has written for a day; they may be of leaves that their trigger has no more.
        public let untouched: [(key: StateKey, organizationID: UniqueID)]
        /// The last row; nil at the end of the part.
        public let last: StateKey?
    }

    /// Looks at some of a part's states, in the order of their keys, for those that can be removed.
    ///
    /// - Parameters:
    ///   - after: the last row of the look before; nil begins at the first.
    ///   - moment: states that expired before it have; no event received earlier may still have to be evaluated.
    public func look(
        part: Int16, after: StateKey?, expiredBefore moment: Timestamp, limit: Int, on connection: PostgresConnection
    ) async throws -> Look {
        let rows = try await connection.query(
            StateStatements.look,
            [
                .int2(part), .uuid(after?.triggerID ?? UniqueID(high: 0, low: 0)), .int8(after?.slot ?? .min),
                .bytes(after?.group ?? []), .timestamp(moment), .int8(Int64(limit)),
            ])
        var stale: [StateKey] = []
        var untouched: [(key: StateKey, organizationID: UniqueID)] = []
        for row in rows {
            if try row.decode(3, as: Bool.self) {
                stale.append(try Self.key(row))
            } else if try row.decode(4, as: Bool.self) {
                untouched.append((try Self.key(row), try row.decode(5)))
            }
        }
        let last = rows.count == limit ? try rows.last.map { try Self.key($0) } : nil
        return Look(stale: stale, untouched: untouched, last: last)
    }
}
