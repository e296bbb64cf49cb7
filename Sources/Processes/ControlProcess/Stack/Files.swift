import Glibc
import Subprocess
import SystemPackage

/// Whole small files, written so that a reader sees the old or the new one and never half of it.
enum Files {
    static func exists(_ path: FilePath) -> Bool {
        access(path.string, F_OK) == 0
    }

    static func makeDirectory(_ path: FilePath, mode: mode_t) throws {
        var prefix = FilePath(root: path.root)
        for component in path.components {
            prefix.append(component)
            guard !exists(prefix) else { continue }
            guard mkdir(prefix.string, mode) == 0 || errno == EEXIST else { throw failure("make the folder", path) }
        }
    }

    /// The bytes of a file of at most 1 MiB, or nil when there is none.
    static func read(_ path: FilePath) throws -> [UInt8]? {
        guard exists(path) else { return nil }
        do {
            let file = try FileDescriptor.open(path, .readOnly)
            return try file.closeAfter {
                var bytes = [UInt8](repeating: 0, count: 1 << 20)
                let count = try bytes.withUnsafeMutableBytes { try file.read(into: $0) }
                return Array(bytes.prefix(count))
            }
        } catch let error as Errno {
            throw CommandError("cannot read \(path): \(error)")
        }
    }

    /// Replaces a file by rename; `mode` 0600 keeps its secrets to the owner.
    static func write(_ bytes: [UInt8], to path: FilePath, mode: FilePermissions) throws {
        let temporary = FilePath(path.string + ".tmp")
        do {
            let file = try FileDescriptor.open(
                temporary, .writeOnly, options: [.create, .truncate], permissions: mode)
            try file.closeAfter { _ = try file.writeAll(bytes) }
        } catch let error as Errno {
            throw CommandError("cannot write \(path): \(error)")
        }
        guard rename(temporary.string, path.string) == 0 else { throw failure("write", path) }
    }

    static func failure(_ action: String, _ path: FilePath) -> CommandError {
        CommandError("cannot \(action) \(path): \(Errno(rawValue: errno))")
    }
}

extension Files {
    /// Deletes a folder and all in it, without following links.
    static func removeTree(_ path: FilePath) async throws {
        let result = try await Subprocess.run(
            .path("/bin/rm"), arguments: ["-rf", "--one-file-system", path.string], output: .discarded)
        guard result.terminationStatus.isSuccess else { throw CommandError("cannot delete \(path)") }
    }
}
