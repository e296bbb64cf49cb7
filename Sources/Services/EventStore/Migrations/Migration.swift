import Crypto
import Glibc

/// One numbered file, `0001_organizations.sql`.
struct Migration: Sendable {
    let version: Int32
    let name: String
    let sql: String

    /// SHA-256 of the text, by which a file that was edited after it had been applied is found out.
    var checksum: String {
        SHA256.hash(data: Array(sql.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// All migrations of a folder, in order.
    ///
    /// - Throws: ``EventStoreError`` of code `migration` when a number is missing, doubled or unreadable.
    static func load(from folder: String) throws -> [Migration] {
        guard let directory = opendir(folder) else {
            throw EventStoreError(.migration, "cannot read the folder \(folder)")
        }
        defer { closedir(directory) }
        var migrations: [Migration] = []
        while let entry = readdir(directory) {
            let file = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard file.hasSuffix(".sql") else { continue }
            let stem = file.dropLast(4)
            guard let version = Int32(stem.prefix { $0 != "_" }) else {
                throw EventStoreError(.migration, "\(file) does not begin with a number")
            }
            migrations.append(Migration(version: version, name: String(stem), sql: try text(of: "\(folder)/\(file)")))
        }
        migrations.sort { $0.version < $1.version }
        for (index, migration) in migrations.enumerated() where migration.version != Int32(index + 1) {
            throw EventStoreError(.migration, "migration \(index + 1) is missing or doubled in \(folder)")
        }
        return migrations
    }

    private static func text(of path: String) throws -> String {
        guard let file = fopen(path, "r") else { throw EventStoreError(.migration, "cannot read \(path)") }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
            bytes.append(contentsOf: buffer.prefix(count))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
