public import ActionModel
public import EventModel
import Logging
public import PostgresWire
import Runtime
import Synchronization

/// The sources of organizations, for the gateway's role.
///
/// A source that was found for a delivery is remembered for one second, so that a busy one costs no round trip and a
/// change is followed by every gateway within that time. Keys that name no source are not remembered: whoever tries
/// many fills nothing.
public final class SourceStore: Sendable {
    private struct Remembered {
        let source: Source
        let until: ContinuousClock.Instant
    }

    private static let memoryLimit = 10_000
    private static let memoryTime = Duration.seconds(1)

    private let pool: PostgresPool
    private let coding: SourceCoding
    private let logger: Logger
    private let memory = Mutex<[HookKey: Remembered]>([:])

    /// Makes a store.
    ///
    /// - Parameters:
    ///   - keyring: seals and opens their secrets.
    ///   - secret: `JWT_SECRET`, which opens what earlier releases stored.
    public init(pool: PostgresPool, keyring: Keyring, secret: String?, logger: Logger) {
        self.pool = pool
        coding = SourceCoding(keyring: keyring, secret: secret)
        self.logger = logger
    }

    /// The source that a path names, or nil; up to a second old.
    public func source(_ key: HookKey) async throws -> Source? {
        let now = ContinuousClock.now
        if let known = memory.withLock({ $0[key] }), known.until > now { return known.source }
        guard let row = try await pool.query(SourceStatements.find, [.text(key.description)]).first else {
            memory.withLock { $0[key] = nil }
            return nil
        }
        let source = try coding.source(row)
        memory.withLock {
            // Forgetting everything is rare, cheap to make good, and needs no order of use.
            if $0.count >= Self.memoryLimit { $0.removeAll(keepingCapacity: true) }
            // From before the query: what it found may have been changed while it ran.
            $0[key] = Remembered(source: source, until: now.advanced(by: Self.memoryTime))
        }
        return source
    }

    /// Stores a new source under a new hook key.
    ///
    /// - Throws: ``EventStoreError`` of code `conflict` when the organization has a source of that name.
    public func create(
        _ definition: SourceDefinition, by actor: AuditActor, organizationID: UniqueID
    ) async throws -> Source {
        let id = UniqueID.generate()
        let key = HookKey.generate()
        let columns = try coding.encode(definition, id: id, organizationID: organizationID)
        return try await naming(definition.name, in: organizationID) { connection in
            let rows = try await connection.query(
                SourceStatements.create,
                [.uuid(id), .uuid(organizationID), .text(definition.name), .text(key.description)] + columns)
            let source = try Self.written(id, organizationID, key, definition, rows)
            try await actor.note(.source(.created, source), organizationID: organizationID, on: connection)
            return source
        }
    }

    /// The organization's sources in the order of their creation; one that can't be read is logged and left out.
    ///
    /// - Parameter after: the last id of the page before.
    public func list(organizationID: UniqueID, limit: Int, after: UniqueID? = nil) async throws -> [Source] {
        let rows = try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(
                SourceStatements.list, [.uuid(organizationID), .optional(after), .int8(Int64(limit))])
        }
        return rows.compactMap { readable($0) }
    }

    /// One source, or nil when the organization has none of this id.
    public func source(_ id: UniqueID, organizationID: UniqueID) async throws -> Source? {
        try await pool.withTransaction(organization: organizationID) { connection in
            let rows = try await connection.query(SourceStatements.get, [.uuid(organizationID), .uuid(id)])
            return try rows.first.map { try coding.source($0) }
        }
    }

    /// Replaces the definition of a source; nil when the organization has none of this id. The hook key stays.
    ///
    /// - Parameter make: makes the new definition from the current one, whose secrets it may keep; from nil when that
    ///   can't be read. The source is locked meanwhile, so it should only compute. What it throws is thrown on.
    /// - Throws: ``EventStoreError`` of code `conflict` when another source has the new name.
    public func replace(
        _ id: UniqueID, by actor: AuditActor, organizationID: UniqueID,
        with make: @Sendable (SourceDefinition?) throws -> SourceDefinition
    ) async throws -> Source? {
        try await naming(nil, in: organizationID) { connection in
            let rows = try await connection.query(SourceStatements.lock, [.uuid(organizationID), .uuid(id)])
            guard let row = rows.first, let key = HookKey(try row.decode(2, as: String.self)) else { return nil }
            let definition = try make(readable(row)?.definition)
            let written = try await connection.query(
                SourceStatements.replace,
                [.uuid(organizationID), .uuid(id), .text(definition.name)]
                    + coding.encode(definition, id: id, organizationID: organizationID))
            let source = try Self.written(id, organizationID, key, definition, written)
            try await actor.note(.source(.updated, source), organizationID: organizationID, on: connection)
            return source
        }
    }

    /// Deletes a source; false when the organization has none of this id. Its events stay.
    public func delete(_ id: UniqueID, by actor: AuditActor, organizationID: UniqueID) async throws -> Bool {
        try await pool.withTransaction(organization: organizationID) { connection in
            let rows = try await connection.query(SourceStatements.delete, [.uuid(organizationID), .uuid(id)])
            guard rows.affectedRows > 0 else { return false }
            try await actor.note(
                AuditChange("source.deleted", id.description), organizationID: organizationID, on: connection)
            return true
        }
    }

    /// A transaction in which a name that is taken has an error of its own.
    private func naming<R: Sendable>(
        _ name: String?, in organizationID: UniqueID, _ body: @Sendable (PostgresConnection) async throws -> R
    ) async throws -> R {
        do {
            return try await pool.withTransaction(organization: organizationID, body)
        } catch let error as PostgresError where error.sqlState == SQLState.uniqueViolation {
            let quoted = name.map { " “\($0)”" } ?? ""
            throw EventStoreError(.conflict, "the organization already has a source named like this\(quoted)")
        }
    }

    private func readable(_ row: PostgresRow) -> Source? {
        do {
            return try coding.source(row)
        } catch {
            let id = (try? row.decode(0, as: UniqueID.self))?.description ?? ""
            logger.error("source.unreadable", metadata: ["source.id": "\(id)", "error": "\(error)"])
            return nil
        }
    }

    private static func written(
        _ id: UniqueID, _ organizationID: UniqueID, _ key: HookKey, _ definition: SourceDefinition,
        _ times: PostgresRows
    ) throws -> Source {
        guard let row = times.first else {
            throw EventStoreError(.unexpected, "the statement that wrote source \(id) returned no row")
        }
        return try Source(
            id: id, organizationID: organizationID, hookKey: key, definition: definition, createdAt: row.decode(0),
            updatedAt: row.decode(1))
    }
}

extension AuditChange {
    fileprivate enum SourceChange: String { case created, updated }

    fileprivate static func source(_ change: SourceChange, _ source: Source) -> AuditChange {
        AuditChange(
            "source.\(change.rawValue)", source.id.description, details: [("name", source.definition.name)])
    }
}
