import Glibc
import JSONTree

/// Trigger definitions of several files and folders, each with where it was found.
struct TriggerFolder {
    /// A definition of a file.
    struct Found: Sendable {
        let name: String
        let definition: JSONValue
        let file: String
    }

    /// Most files that are read.
    static let maximumFiles = 10_000
    /// How deep folders are gone into.
    private static let maximumDepth = 16

    let triggers: [Found]

    /// Reads all before anything is done with one: a mistake in the last file must not leave half of them applied.
    ///
    /// - Throws: ``CommandError`` also for a trigger without a name, and for two of the same.
    init(_ paths: [String]) throws {
        let files = try paths.flatMap { try Self.files(at: $0) }
        guard files.count <= Self.maximumFiles else {
            throw CommandError("there are \(files.count) files; at most \(Self.maximumFiles) are read")
        }
        var seen: [String: String] = [:]
        var triggers: [Found] = []
        for file in files {
            for definition in try TriggerFile.read(file) {
                guard let name = definition["name"]?.string else {
                    throw CommandError("a trigger in \(file) has no name")
                }
                if let other = seen.updateValue(file, forKey: name) {
                    let places = other == file ? "twice in \(file)" : "in \(other) and in \(file)"
                    throw CommandError("\(name) is \(places)")
                }
                triggers.append(Found(name: name, definition: definition, file: file))
            }
        }
        self.triggers = triggers
    }

    /// A file as it is; of a folder all that end in .yaml, .yml or .json, in the order of their names, and so on
    /// downwards. What begins with a dot is passed over.
    private static func files(at path: String, depth: Int = 0) throws -> [String] {
        guard path != "-", let folder = opendir(path) else {
            return [path]
        }
        defer { closedir(folder) }
        guard depth < maximumDepth else { throw CommandError("\(path) lies too deep") }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return try names.sorted().flatMap { name in
            let inner = path.hasSuffix("/") ? path + name : "\(path)/\(name)"
            let found = try files(at: inner, depth: depth + 1)
            return found == [inner] && ![".yaml", ".yml", ".json"].contains(where: name.hasSuffix) ? [] : found
        }
    }
}
