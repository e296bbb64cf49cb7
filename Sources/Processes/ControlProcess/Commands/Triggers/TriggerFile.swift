import JSONTree
import Yams

/// Trigger definitions of a YAML or JSON file (JSON is YAML, but its errors are better told by the JSON parser).
enum TriggerFile {
    static func read(_ path: String) throws -> [JSONValue] {
        let bytes = try EventInput.readAll(path)
        if let first = bytes.first(where: { $0 > 0x20 }), first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
            do {
                return triggers(in: try JSONDocument(bytes).root)
            } catch {
                throw CommandError("\(path) is not JSON: \(error)")
            }
        }
        do {
            var documents = try Yams.compose_all(yaml: String(decoding: bytes, as: UTF8.self))
            var found: [JSONValue] = []
            while let node = documents.next() {
                var writer = JSONWriter()
                write(node, to: &writer)
                found += triggers(in: try JSONDocument(writer.bytes).root)
            }
            // The sequence ends at the first error and keeps it.
            if let error = documents.error { throw error }
            return found
        } catch {
            let reason = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
            throw CommandError("\(path) is not YAML: \(reason)")
        }
    }

    /// The only trigger of a file.
    static func one(_ path: String) throws -> JSONValue {
        let found = try read(path)
        guard let only = found.first, found.count == 1 else {
            throw CommandError("\(path) holds \(found.count) triggers; one is needed here")
        }
        return only
    }

    private static func triggers(in root: JSONValue) -> [JSONValue] {
        root.kind == .array ? root.elements.map { $0 } : [root]
    }

    /// YAML 1.2 core schema: plain scalars are null, booleans and numbers where they look like it; quoted ones are
    /// text.
    private static func write(_ node: Node, to writer: inout JSONWriter) {
        switch node {
        case .mapping(let mapping):
            writer.object { writer in
                for (key, value) in mapping {
                    writer.key(key.string ?? "")
                    write(value, to: &writer)
                }
            }
        case .sequence(let sequence):
            writer.array { writer in sequence.forEach { write($0, to: &writer) } }
        case .scalar(let scalar):
            write(scalar, of: node, to: &writer)
        case .alias:
            writer.null()
        }
    }

    private static func write(_ scalar: Node.Scalar, of node: Node, to writer: inout JSONWriter) {
        guard scalar.style == .plain || scalar.style == .any else { return writer.string(scalar.string) }
        switch scalar.string {
        case "", "~", "null", "Null", "NULL": writer.null()
        case "true", "True", "TRUE": writer.bool(true)
        case "false", "False", "FALSE": writer.bool(false)
        case let text where (try? JSONDocument(text).root.number) != nil: writer.raw(text.utf8)
        default: writer.string(scalar.string)
        }
    }
}
