/// A place within a value: `a.b[0]["odd key"]`.
///
/// Keys are separated by dots; a key that is empty or holds `.`, `[`, `]`, `"` or a control character is written as a
/// JSON string in brackets. Bounds: 1,024 bytes and 64 steps.
public struct JSONPath: Hashable, Sendable, CustomStringConvertible {
    /// One step downwards.
    public enum Component: Hashable, Sendable {
        /// To the member of an object.
        case key(String)
        /// To the element of an array, counted from 0.
        case index(Int)
    }

    /// The steps from the outermost value inwards.
    public let components: [Component]

    /// Makes a path of steps.
    public init(components: [Component]) {
        self.components = components
    }

    /// Parses the form above.
    public init(_ text: String) throws(JSONPathError) {
        var parser = PathParser(Array(text.utf8))
        components = try parser.parse()
    }

    /// The path in its shortest form, which parses to the same path.
    public var description: String {
        var text = ""
        for component in components {
            switch component {
            case .index(let index):
                text += "[\(index)]"
            case .key(let key) where PathParser.isPlain(key):
                text += text.isEmpty ? key : ".\(key)"
            case .key(let key):
                var writer = JSONWriter()
                writer.string(key)
                text += "[" + String(decoding: writer.bytes, as: UTF8.self) + "]"
            }
        }
        return text
    }

    /// Compares keys by their bytes, as the lookup does.
    public static func == (left: JSONPath, right: JSONPath) -> Bool {
        left.components.count == right.components.count
            && zip(left.components, right.components).allSatisfy { left, right in
                switch (left, right) {
                case (.index(let left), .index(let right)): left == right
                case (.key(let left), .key(let right)): left.utf8.elementsEqual(right.utf8)
                default: false
                }
            }
    }
}

/// Why a text is not a path.
public struct JSONPathError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The byte, counted from 0, that doesn't fit.
    public let offset: Int
    /// What is wrong there.
    public let reason: String

    /// The reason and the offset.
    public var description: String { "\(reason), at byte \(offset) of the path" }
}
