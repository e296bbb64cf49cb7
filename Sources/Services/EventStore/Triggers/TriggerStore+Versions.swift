import EventModel
import PostgresWire
import TriggerEngine

/// What was, and what is tried beside what is. For the gateway's role.
extension TriggerStore {
    /// The versions of a trigger, the newest first; nil when the organization has no trigger of this id.
    ///
    /// - Parameter before: the last number of the page before.
    public func versions(
        of id: UniqueID, organizationID: UniqueID, limit: Int, before: Int32? = nil
    ) async throws -> [TriggerVersion]? {
        try await pool.withTransaction(organization: organizationID) { connection in
            let exists = try await connection.query(TriggerStatements.get, [.uuid(organizationID), .uuid(id)])
            guard !exists.isEmpty else { return nil }
            return try await connection.query(
                TriggerVersionStatements.list,
                [.uuid(organizationID), .uuid(id), before.map { .int4($0) } ?? .null, .int8(Int64(limit))]
            ).compactMap { row in try readable(row).map { try TriggerCoding.version($0, row) } }
        }
    }

    /// One version, or nil when there is none of this id and number.
    public func version(
        _ number: Int32, of id: UniqueID, organizationID: UniqueID
    ) async throws -> TriggerVersion? {
        try await version(
            TriggerVersionStatements.get, [.uuid(organizationID), .uuid(id), .int4(number)], organizationID)
    }

    /// The version that was live at a moment; nil when there was no trigger yet.
    public func version(
        of id: UniqueID, at moment: Timestamp, organizationID: UniqueID
    ) async throws -> TriggerVersion? {
        try await version(
            TriggerVersionStatements.at, [.uuid(organizationID), .uuid(id), .timestamp(moment)], organizationID)
    }

    /// Gives a trigger a new version that says the same as an old one, secrets included; nil when there is no such
    /// trigger or version. What says what the live version does is no change, and makes none.
    public func rollBack(
        _ id: UniqueID, to number: Int32, by actor: AuditActor, organizationID: UniqueID
    ) async throws -> Trigger? {
        guard let old = try await version(number, of: id, organizationID: organizationID) else { return nil }
        return try await changing(nil, in: organizationID) { connection in
            try await replace(id, by: actor, organizationID: organizationID, from: number, on: connection) { _ in
                old.trigger.definition
            }
        }
    }

    // MARK: - Shadow

    /// The version that runs in shadow; nil without one.
    public func shadow(of id: UniqueID, organizationID: UniqueID) async throws -> TriggerVersion? {
        try await version(TriggerVersionStatements.shadow, [.uuid(organizationID), .uuid(id)], organizationID)
    }

    /// Gives a trigger a new version that runs in shadow, in place of any that did; nil when the organization has no
    /// trigger of this id. What says what the present shadow does is no change.
    ///
    /// - Parameter make: makes the definition; its argument is the live one, whose secrets it may keep.
    public func setShadow(
        of id: UniqueID, by actor: AuditActor, organizationID: UniqueID,
        with make: @Sendable (TriggerDefinition) throws -> TriggerDefinition
    ) async throws -> TriggerVersion? {
        try await changing(nil, in: organizationID) { connection in
            let key: [PostgresParameter] = [.uuid(organizationID), .uuid(id)]
            _ = try await connection.query(TriggerStatements.lock, key)
            let live = try await connection.query(TriggerStatements.get, key)
            guard let current = try live.first.map({ try coding.trigger($0) }) else { return nil }
            let definition = try make(current.definition)
            let present = try await connection.query(TriggerVersionStatements.shadow, key)
            let isSame = present.first.flatMap { readable($0) }.map {
                TriggerCoding.isSame($0.definition, definition)
            }
            if isSame != true {
                _ = try await connection.query(
                    TriggerVersionStatements.setShadow,
                    key + coding.encode(definition, id: id, organizationID: organizationID))
            }
            let shadow = try await connection.query(TriggerVersionStatements.shadow, key).first.map {
                try TriggerCoding.version(try coding.trigger($0), $0)
            }
            if isSame != true, let shadow {
                let details = [("name", definition.name), ("version", "\(shadow.number)")]
                try await actor.note(
                    AuditChange("trigger.shadow-set", id.description, details: details), organizationID: organizationID,
                    on: connection)
            }
            return shadow
        }
    }

    /// Ends the shadow of a trigger; false when there was none.
    public func clearShadow(
        of id: UniqueID, by actor: AuditActor, organizationID: UniqueID
    ) async throws -> Bool {
        try await changing(nil, in: organizationID) { connection in
            let rows = try await connection.query(
                TriggerVersionStatements.clearShadow, [.uuid(organizationID), .uuid(id)])
            guard rows.affectedRows > 0 else { return false }
            try await actor.note(
                AuditChange("trigger.shadow-ended", id.description), organizationID: organizationID, on: connection)
            return true
        }
    }

    /// Gives a trigger a new version that says what the one in shadow does, and ends the shadow; nil when none runs.
    ///
    /// It is a version of its own, so that the versions that were live follow each other by their times.
    /// - Throws: ``EventStoreError`` of code `conflict` when another trigger has its name.
    public func promoteShadow(
        of id: UniqueID, by actor: AuditActor, organizationID: UniqueID
    ) async throws -> Trigger? {
        try await changing(nil, in: organizationID) { connection in
            let key: [PostgresParameter] = [.uuid(organizationID), .uuid(id)]
            _ = try await connection.query(TriggerStatements.lock, key)
            let rows = try await connection.query(TriggerVersionStatements.shadow, key)
            guard let shadow = try rows.first.map({ try coding.trigger($0) }) else { return nil }
            _ = try await connection.query(TriggerVersionStatements.clearShadow, key)
            try await actor.note(
                AuditChange("trigger.shadow-promoted", id.description, details: [("version", "\(shadow.version)")]),
                organizationID: organizationID, on: connection)
            return try await replace(
                id, by: actor, organizationID: organizationID, from: shadow.version, on: connection
            ) { _ in shadow.definition }
        }
    }

    private func version(
        _ statement: PostgresStatement, _ parameters: [PostgresParameter], _ organizationID: UniqueID
    ) async throws -> TriggerVersion? {
        try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(statement, parameters).first.map {
                try TriggerCoding.version(try coding.trigger($0), $0)
            }
        }
    }
}
