import JSONTree

/// A JSON Schema (draft 2020-12): the part of it that docs/models.md states.
///
/// Taken: the keywords of types, values, objects, arrays, strings and numbers that need no regular expression, the
/// combinations `anyOf` `oneOf` `allOf` `not`, and `$ref` within the schema. Annotations are taken and mean nothing.
public struct JSONSchema: Sendable {
    /// What is done with a keyword that is not checked here.
    public enum UnknownKeywords: Sendable {
        /// It is a problem: who writes it would rely on it.
        case refused
        /// It checks nothing: the schema is somebody else's.
        case ignored
    }

    static let maximumBytes = 64 * 1024

    /// The schema as written.
    public let source: [UInt8]
    /// Whether it is one that services with "strict" structured outputs take: every object closed and all of its
    /// properties required, and no keyword beyond theirs.
    public let isStrict: Bool
    /// The first is the root.
    let nodes: [SchemaNode]

    /// Reads a schema of at most 64 KiB.
    ///
    /// - Throws: everything that is wrong with it.
    public init(_ value: JSONValue, pointer: String, unknown: UnknownKeywords) throws(JSONValidationError) {
        source = Array(value.source)
        guard source.count <= Self.maximumBytes else {
            throw JSONValidationError(pointer: pointer, detail: "a schema has at most 64 KiB")
        }
        let root: JSONValue
        do throws(JSONError) {
            // A document of its own: what the nodes keep must not keep all that the schema came with.
            root = try JSONDocument(source).root
        } catch {
            throw JSONValidationError(pointer: pointer, detail: "\(error)")
        }
        var reader = SchemaReader(root, pointer: pointer, unknown: unknown)
        reader.readAll()
        guard reader.problems.isEmpty else { throw JSONValidationError(reader.problems) }
        nodes = reader.nodes
        isStrict = reader.isStrict && nodes.allSatisfy { !$0.isObject || $0.isClosed(in: reader.nodes) }
    }

    /// Whether every value that fits is an object.
    public var isOfObjects: Bool { nodes[0].types == [.object] }

    /// What is wrong with a value, at most twenty problems; nothing when it fits.
    public func problems(with value: JSONValue) -> [JSONProblem] {
        var check = SchemaCheck(nodes: nodes)
        check.check(value, 0, at: "", depth: 0)
        return check.problems
    }
}
