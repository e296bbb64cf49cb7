import EventModel
import Logging
import PostgresWire
import Runtime
import TriggerEngine

/// The triggers of organizations, and every version they ever had.
///
/// A change never touches what was there: it adds a version and moves the trigger's number, in one transaction that
/// also sends the hint `triggers_changed`. A deleted trigger keeps its versions, because deliveries that are on
/// their way still need them; only its name becomes free.
///
/// Methods that name an organization are for the gateway's role; see `TriggerStore+Processor.swift` for the others.
public struct TriggerStore: Sendable {
    let pool: PostgresPool
    let coding: TriggerCoding
    let logger: Logger

    /// Makes a store on a pool; the pool's role decides what it sees.
    ///
    /// - Parameter keyring: seals and opens the secrets of actions.
    public init(pool: PostgresPool, keyring: Keyring, logger: Logger) {
        self.pool = pool
        coding = TriggerCoding(keyring: keyring)
        self.logger = logger
    }

    /// Stores a new trigger as its version 1.
    ///
    /// - Throws: ``EventStoreError`` of code `conflict` when the organization has a trigger of that name.
    public func create(
        _ definition: TriggerDefinition, by actor: AuditActor, organizationID: UniqueID
    ) async throws -> Trigger {
        let id = UniqueID.generate()
        let columns = try coding.encode(definition, id: id, organizationID: organizationID)
        return try await changing(definition.name, in: organizationID) { connection in
            let rows = try await connection.query(
                TriggerStatements.create,
                [
                    .uuid(id), .uuid(organizationID), .text(definition.name), .bool(definition.enabled),
                ] + columns)
            let trigger = try TriggerCoding.trigger(id, organizationID, version: 1, definition, times: rows)
            try await actor.note(.trigger(.created, trigger), organizationID: organizationID, on: connection)
            try await tell(.created, trigger, on: connection)
            return trigger
        }
    }

    /// The organization's triggers in the order of their creation.
    ///
    /// - Parameter after: the last id of the page before.
    public func list(organizationID: UniqueID, limit: Int, after: UniqueID? = nil) async throws -> [Trigger] {
        let rows = try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(
                TriggerStatements.list, [.uuid(organizationID), .optional(after), .int8(Int64(limit))])
        }
        return rows.compactMap { readable($0) }
    }

    /// One trigger, or nil when the organization has none of this id.
    public func trigger(_ id: UniqueID, organizationID: UniqueID) async throws -> Trigger? {
        try await pool.withTransaction(organization: organizationID) { connection in
            let rows = try await connection.query(TriggerStatements.get, [.uuid(organizationID), .uuid(id)])
            return try rows.first.map { try coding.trigger($0) }
        }
    }

    /// Gives a trigger a new version, unless the definition is the one it has; nil when the organization has no trigger
    /// of this id.
    ///
    /// - Parameters:
    ///   - versions: those that the caller means to replace; nil for any.
    ///   - make: makes the new definition from the current one, whose secrets it may keep; the trigger is
    ///     locked meanwhile, so it should only compute. What it throws is thrown on.
    /// - Throws: ``EventStoreError`` of code `conflict` when another trigger has the new name, and of code `stale` when
    ///   the trigger is at another version.
    public func replace(
        _ id: UniqueID, by actor: AuditActor, organizationID: UniqueID, at versions: Set<Int32>? = nil,
        with make: @Sendable (TriggerDefinition) throws -> TriggerDefinition
    ) async throws -> Trigger? {
        try await changing(nil, in: organizationID) { connection in
            try await replace(id, by: actor, organizationID: organizationID, at: versions, on: connection, with: make)
        }
    }

    /// The same within a transaction of the caller's.
    ///
    /// - Parameter source: the version that the new definition was taken from, for the audit log.
    func replace(
        _ id: UniqueID, by actor: AuditActor, organizationID: UniqueID, at versions: Set<Int32>? = nil,
        from source: Int32? = nil, on connection: PostgresConnection,
        with make: @Sendable (TriggerDefinition) throws -> TriggerDefinition
    ) async throws -> Trigger? {
        let key: [PostgresParameter] = [.uuid(organizationID), .uuid(id)]
        _ = try await connection.query(TriggerStatements.lock, key)
        let rows = try await connection.query(TriggerStatements.get, key)
        guard let current = try rows.first.map({ try coding.trigger($0) }) else { return nil }
        let definition = try make(current.definition)
        // After what would be refused anyway (RFC 9110 §13.2.1).
        try Self.check(current.version, is: versions)
        // What says the same is no change: applying a file twice makes no second version.
        guard !TriggerCoding.isSame(definition, current.definition) else { return current }
        let times = try await connection.query(
            TriggerStatements.replace,
            [
                .uuid(id), .uuid(organizationID), .text(definition.name), .bool(definition.enabled),
            ] + coding.encode(definition, id: id, organizationID: organizationID))
        guard let version = try times.first?.decode(2, as: Int32.self) else {
            throw EventStoreError(.unexpected, "trigger \(id) was locked, and is gone")
        }
        let trigger = try TriggerCoding.trigger(id, organizationID, version: version, definition, times: times)
        let event = TriggerEvent(from: current.definition, to: definition)
        try await actor.note(.trigger(event, trigger, from: source), organizationID: organizationID, on: connection)
        try await tell(event, trigger, on: connection)
        return trigger
    }

    /// Deletes a trigger; false when the organization has none of this id.
    ///
    /// Deliveries of events that it matched before are still made.
    ///
    /// - Parameter versions: those that the caller means to delete; nil for any.
    /// - Throws: ``EventStoreError`` of code `stale` when the trigger is at another version.
    public func delete(
        _ id: UniqueID, by actor: AuditActor, organizationID: UniqueID, at versions: Set<Int32>? = nil
    ) async throws -> Bool {
        try await changing(nil, in: organizationID) { connection in
            if versions != nil {
                let key: [PostgresParameter] = [.uuid(organizationID), .uuid(id)]
                _ = try await connection.query(TriggerStatements.lock, key)
                let found = try await connection.query(TriggerStatements.get, key)
                guard let current = try found.first.map({ try coding.trigger($0) }) else { return false }
                try Self.check(current.version, is: versions)
            }
            let rows = try await connection.query(TriggerStatements.delete, [.uuid(organizationID), .uuid(id)])
            guard let row = rows.first else { return false }
            let (name, version) = try (row.decode(0, as: String.self), row.decode(1, as: Int32.self))
            try await actor.note(
                .trigger(.deleted, id, name: name, version: version), organizationID: organizationID, on: connection)
            try await tell(
                .deleted, id, organizationID, name: name, version: version, isEnabled: row.decode(2), on: connection)
            return true
        }
    }

    private static func check(_ version: Int32, is expected: Set<Int32>?) throws(EventStoreError) {
        guard let expected, !expected.contains(version) else { return }
        throw EventStoreError(.stale, "the trigger is at version \(version), and not at one that was expected")
    }

    /// The actions of a version that their receivers have ended by 410 Gone: index and reason.
    public func disabledActions(of trigger: Trigger) async throws -> [Int: String] {
        let rows = try await pool.withTransaction(organization: trigger.organizationID) { connection in
            try await connection.query(
                TriggerStatements.disabledActions,
                [.uuid(trigger.organizationID), .uuid(trigger.id), .int4(trigger.version)])
        }
        return try Dictionary(rows.map { try ($0.decode(0, as: Int.self), $0.decode(1)) }) { first, _ in first }
    }

    /// A transaction that ends with the hint, in which a name that is taken has an error of its own.
    func changing<R: Sendable>(
        _ name: String?, in organizationID: UniqueID, _ body: @Sendable (PostgresConnection) async throws -> R
    ) async throws -> R {
        do {
            return try await pool.withTransaction(organization: organizationID) { connection in
                let result = try await body(connection)
                try await connection.query(TriggerStatements.notify)
                return result
            }
        } catch let error as PostgresError where error.sqlState == SQLState.uniqueViolation {
            let quoted = name.map { " “\($0)”" } ?? ""
            throw EventStoreError(.conflict, "the organization already has a trigger named like this\(quoted)")
        }
    }

    /// The trigger in a row, or nil when an older release wrote what this one no longer reads: one bad row must not
    /// hide the others.
    func readable(_ row: PostgresRow, role: TriggerRole = .live) -> Trigger? {
        do {
            return try coding.trigger(row, role: role)
        } catch {
            logger.error(
                "trigger.unreadable",
                metadata: [
                    "trigger.id": "\((try? row.decode(0, as: UniqueID.self))?.description ?? "")",
                    "error": "\(error)",
                ])
            return nil
        }
    }
}
