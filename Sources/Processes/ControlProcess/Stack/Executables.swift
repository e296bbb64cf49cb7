import Glibc
import SystemPackage

/// Where the built programs and the files that they need lie: beside the running one, or where a package put them.
enum Executables {
    /// The running program itself.
    static var own: FilePath {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        return FilePath(String(decoding: buffer.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self))
    }

    static func sibling(_ name: String) throws -> FilePath {
        let path = own.removingLastComponent().appending(name)
        guard Files.exists(path) else {
            throw CommandError("\(path) is missing; build all programs with `make build`")
        }
        return path
    }

    /// `database/migrations` of the checkout that holds the program, or the installed copy.
    static func migrations() throws -> FilePath {
        var folder = own.removingLastComponent()
        while folder.components.count > 0 {
            let candidate = folder.appending("database").appending("migrations")
            if Files.exists(candidate) { return candidate }
            folder = folder.removingLastComponent()
        }
        let installed = FilePath("/usr/share/collider/migrations")
        guard Files.exists(installed) else {
            throw CommandError("no migrations found beside \(own) nor in \(installed)")
        }
        return installed
    }
}
