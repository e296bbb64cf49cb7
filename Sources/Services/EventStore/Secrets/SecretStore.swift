import EventModel
import JSONTree
public import PostgresWire
import TriggerEngine

/// Stored secrets as a whole, for the administrator's role: under which keys they lie, and sealing them anew.
public struct SecretStore: Sendable {
    /// Under which keys secrets lie.
    public struct Survey: Sendable, Equatable {
        /// Sealed secrets by the id of their key.
        public internal(set) var sealed: [String: Int] = [:]
        /// Versions of triggers whose secrets, if any, an earlier release stored in the open.
        public internal(set) var openVersions = 0
        /// Sources whose secrets an earlier release sealed under `JWT_SECRET`.
        public internal(set) var earlierSources = 0
        /// Rows that were written anew.
        public internal(set) var resealed = 0
        /// Rows that can't be read with the keys that are here, each with the reason.
        public internal(set) var failures: [String] = []

        /// Whether everything lies under one key.
        public func isAll(under id: String) -> Bool {
            openVersions == 0 && earlierSources == 0 && failures.isEmpty && sealed.keys.allSatisfy { $0 == id }
        }
    }

    private static let pageSize = 200

    private let pool: PostgresPool
    private let keyring: Keyring
    private let sources: SourceCoding

    /// Makes a store.
    ///
    /// - Parameter secret: `JWT_SECRET`, which opens what earlier releases stored of sources.
    public init(pool: PostgresPool, keyring: Keyring, secret: String?) {
        self.pool = pool
        self.keyring = keyring
        sources = SourceCoding(keyring: keyring, secret: secret)
    }

    /// The keys that are noted as in use, the oldest first.
    public func keys() async throws -> [String] {
        try await pool.query(SecretStatements.keys).map { try $0.decode(0) }
    }

    /// Whether anything may lie elsewhere than under the current key.
    public func isOutdated() async throws -> Bool {
        try await pool.query(SecretStatements.isOutdated, [.text(keyring.currentID)])[0].decode(0)
    }

    /// Looks at everything that is stored.
    public func survey() async throws -> Survey {
        var survey = Survey()
        try await goThroughVersions(&survey, reseals: false)
        try await goThroughSources(&survey, reseals: false)
        return survey
    }

    /// Writes everything anew that does not lie under the current key, then retires the others.
    ///
    /// It can be broken off and begun again at any time, and services may work meanwhile, as long as they have both
    /// keys.
    /// - Returns: what is stored afterwards.
    public func reseal() async throws -> Survey {
        _ = try await pool.query(SecretStatements.use, [.text(keyring.currentID)])
        var work = Survey()
        try await goThroughVersions(&work, reseals: true)
        try await goThroughSources(&work, reseals: true)
        // What was written while it went through is seen now.
        var survey = try await survey()
        survey.resealed = work.resealed
        survey.failures = work.failures
        guard survey.isAll(under: keyring.currentID) else { return survey }
        for id in try await keys() where id != keyring.currentID {
            _ = try await pool.query(SecretStatements.retire, [.text(id)])
        }
        return survey
    }

    // MARK: - Triggers

    private func goThroughVersions(_ survey: inout Survey, reseals: Bool) async throws {
        var last: (id: UniqueID, version: Int32)? = (UniqueID(high: 0, low: 0), 0)
        while let after = last {
            let rows = try await pool.query(
                SecretStatements.versions, [.uuid(after.id), .int4(after.version), .int8(Int64(Self.pageSize))])
            for row in rows {
                let secrets = try row.decodeIfPresent(4, as: PostgresJSON.self)?.bytes
                let keys = try secrets.map { try Self.keys(in: $0) }
                keys?.forEach { survey.sealed[$0, default: 0] += 1 }
                if keys == nil { survey.openVersions += 1 }
                guard reseals, keys?.allSatisfy({ $0 == keyring.currentID }) != true else { continue }
                do {
                    if try await resealVersion(row, secrets) { survey.resealed += 1 }
                } catch let error as EventStoreError {
                    survey.failures.append(error.message)
                }
            }
            last = rows.count == Self.pageSize ? try rows.last.map { (try $0.decode(0), try $0.decode(1)) } : nil
        }
    }

    private static func keys(in secrets: [UInt8]) throws -> [String] {
        try JSONDocument(secrets).root.elements.flatMap { action in
            action.members.map { Keyring.keyID(of: $0.value.string ?? "") ?? "unknown" }
        }
    }

    private func resealVersion(_ row: PostgresRow, _ secrets: [UInt8]?) async throws -> Bool {
        let id = try row.decode(0, as: UniqueID.self)
        let version = try row.decode(1, as: Int32.self)
        let organization = try row.decode(2, as: UniqueID.self)
        let stored = try row.decode(3, as: PostgresJSON.self).bytes
        let columns: [PostgresParameter]
        do {
            if let secrets {
                let anew = try keyring.resealActions(
                    JSONDocument(secrets).root, trigger: id, organization: organization)
                columns = [stored, anew].map { .text(String(decoding: $0, as: UTF8.self)) }
            } else {
                columns = try TriggerCoding(keyring: keyring).encode(
                    TriggerDefinition(JSONDocument(stored).root), id: id, organizationID: organization)
            }
        } catch let error as EventStoreError {
            throw error
        } catch {
            throw EventStoreError(.unexpected, "version \(version) of trigger \(id) can't be read: \(error)")
        }
        return try await pool.query(
            SecretStatements.resealVersion,
            [
                .uuid(id), .int4(version), columns[0], columns[1],
                .optional(secrets.map { String(decoding: $0, as: UTF8.self) }),
            ]
        ).affectedRows > 0
    }

    // MARK: - Sources

    private func goThroughSources(_ survey: inout Survey, reseals: Bool) async throws {
        var last: UniqueID? = UniqueID(high: 0, low: 0)
        while let after = last {
            let rows = try await pool.query(SecretStatements.sources, [.uuid(after), .int8(Int64(Self.pageSize))])
            for row in rows {
                let id = try row.decode(0, as: UniqueID.self)
                let organization = try row.decode(1, as: UniqueID.self)
                let sealed = try row.decode(2, as: PostgresBytes.self).bytes
                let key = SourceCoding.text(sealed).flatMap { Keyring.keyID(of: $0) }
                if let key { survey.sealed[key, default: 0] += 1 } else { survey.earlierSources += 1 }
                guard reseals, key != keyring.currentID else { continue }
                do {
                    let secrets = try sources.open(sealed, id: id, organizationID: organization)
                    let anew = try keyring.seal(secrets, at: .source(id, of: organization))
                    let written = try await pool.query(
                        SecretStatements.resealSource, [.uuid(id), .bytes(Array(anew.utf8)), .bytes(sealed)])
                    survey.resealed += written.affectedRows
                } catch let error as EventStoreError {
                    survey.failures.append(error.message)
                }
            }
            last = rows.count == Self.pageSize ? try rows.last.map { try $0.decode(0) } : nil
        }
    }
}
