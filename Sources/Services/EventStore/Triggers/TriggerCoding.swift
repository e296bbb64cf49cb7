import ActionModel
import EventModel
import JSONTree
import PostgresWire
import TriggerEngine

/// Triggers as rows: the one place that reads and writes the column `definition`.
enum TriggerCoding {
    /// The definition with its secrets in plain text, as only the database gets it.
    static func encode(_ definition: TriggerDefinition) -> String {
        var writer = JSONWriter()
        writer.object { definition.write(to: &$0, secrets: .plain) }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// Whether two definitions say the same, secrets included; the order of members and the spelling of numbers apart.
    static func isSame(_ one: TriggerDefinition, _ other: TriggerDefinition) -> Bool {
        let texts = (encode(one), encode(other))
        guard texts.0 != texts.1 else { return true }
        guard let left = try? JSONDocument(texts.0), let right = try? JSONDocument(texts.1) else { return false }
        return left.root == right.root
    }

    /// The trigger in a row of ``TriggerStatements/columns``.
    static func trigger(_ row: PostgresRow, role: TriggerRole = .live) throws -> Trigger {
        let id = try row.decode(0, as: UniqueID.self)
        let stored = try row.decode(3, as: PostgresJSON.self)
        return try Trigger(
            id: id, organizationID: row.decode(1), version: row.decode(2), role: role,
            definition: TriggerDefinition(JSONDocument(stored.bytes).root),
            createdAt: row.decode(4), updatedAt: row.decode(5))
    }

    /// The version in a row of ``TriggerVersionStatements``, whose trigger has been read.
    static func version(_ trigger: Trigger, _ row: PostgresRow) throws -> TriggerVersion {
        let live = try row.decode(6, as: Int32.self)
        let shadow = try row.decodeIfPresent(7, as: Int32.self)
        return TriggerVersion(
            trigger: trigger, role: trigger.version == live ? .live : trigger.version == shadow ? .shadow : nil)
    }

    /// The trigger that a statement has just written, whose times are the statement's only row.
    static func trigger(
        _ id: UniqueID, _ organizationID: UniqueID, version: Int32, _ definition: TriggerDefinition,
        times: PostgresRows
    ) throws -> Trigger {
        guard let row = times.first else {
            throw EventStoreError(.unexpected, "the statement that wrote trigger \(id) returned no row")
        }
        return try Trigger(
            id: id, organizationID: organizationID, version: version, definition: definition,
            createdAt: row.decode(0), updatedAt: row.decode(1))
    }
}
