import ActionModel
import EventModel
import JSONTree
import PostgresWire
import TriggerEngine

/// Triggers as rows: the one place that reads and writes the columns `definition` and `secrets` of a version.
struct TriggerCoding: Sendable {
    let keyring: Keyring

    /// The definition as JSON.
    static func json(_ definition: TriggerDefinition, _ secrets: SecretMode) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { definition.write(to: &$0, secrets: secrets) }
        return writer.bytes
    }

    /// The columns `definition`, with masks in place of secrets, and `secrets`, an array with an object for each
    /// action.
    func encode(
        _ definition: TriggerDefinition, id: UniqueID, organizationID: UniqueID
    ) throws -> [PostgresParameter] {
        let masked = Self.json(definition, .masked)
        let actions = (
            try JSONDocument(Self.json(definition, .plain)).root["actions"], try JSONDocument(masked).root["actions"]
        )
        var secrets = JSONWriter()
        try secrets.array { list in
            guard let plain = actions.0?.elements, let masked = actions.1?.elements else { return }
            for (index, pair) in zip(plain, masked).enumerated() {
                try keyring.sealAction(
                    index, plain: pair.0, masked: pair.1, trigger: id, organization: organizationID, to: &list)
            }
        }
        return [.text(String(decoding: masked, as: UTF8.self)), .text(String(decoding: secrets.bytes, as: UTF8.self))]
    }

    /// The definition of those columns, secrets included.
    ///
    /// - Parameter secrets: nil in rows of a release that stored them in the open, as part of the definition.
    func decode(
        _ definition: [UInt8], secrets: [UInt8]?, id: UniqueID, organizationID: UniqueID
    ) throws -> TriggerDefinition {
        let stored = try JSONDocument(definition).root
        guard let secrets = try secrets.map({ try JSONDocument($0).root }),
            secrets.elements.contains(where: { $0.count > 0 })
        else { return try TriggerDefinition(stored) }
        var writer = JSONWriter()
        try writer.object { object in
            for (name, value) in stored.members {
                object.key(name)
                guard name == "actions" else {
                    object.raw(value.source)
                    continue
                }
                try object.array { list in
                    for (index, action) in value.elements.enumerated() {
                        try keyring.openAction(
                            index, masked: action, sealed: secrets[index], trigger: id, organization: organizationID,
                            to: &list)
                    }
                }
            }
        }
        return try TriggerDefinition(JSONDocument(writer.bytes).root)
    }

    /// Whether two definitions say the same, secrets included; the order of members and the spelling of numbers apart.
    static func isSame(_ one: TriggerDefinition, _ other: TriggerDefinition) -> Bool {
        let texts = (json(one, .plain), json(other, .plain))
        guard texts.0 != texts.1 else { return true }
        guard let left = try? JSONDocument(texts.0), let right = try? JSONDocument(texts.1) else { return false }
        return left.root == right.root
    }

    /// The trigger in a row of ``TriggerStatements/columns``.
    func trigger(_ row: PostgresRow, role: TriggerRole = .live) throws -> Trigger {
        let id = try row.decode(0, as: UniqueID.self)
        let organization = try row.decode(1, as: UniqueID.self)
        let definition = try decode(
            row.decode(3, as: PostgresJSON.self).bytes, secrets: row.decodeIfPresent(6, as: PostgresJSON.self)?.bytes,
            id: id, organizationID: organization)
        return try Trigger(
            id: id, organizationID: organization, version: row.decode(2), role: role, definition: definition,
            createdAt: row.decode(4), updatedAt: row.decode(5))
    }

    /// The version in a row of ``TriggerVersionStatements``, whose trigger has been read.
    static func version(_ trigger: Trigger, _ row: PostgresRow) throws -> TriggerVersion {
        let live = try row.decode(7, as: Int32.self)
        let shadow = try row.decodeIfPresent(8, as: Int32.self)
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
