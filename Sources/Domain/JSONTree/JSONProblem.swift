/// One thing that is wrong with a value, for the `errors` of a problem document (RFC 9457).
public struct JSONProblem: Equatable, Sendable {
    /// Where, as an RFC 6901 pointer; empty for the whole.
    public let pointer: String
    /// What, in words that help to mend it.
    public let detail: String

    /// Makes a problem.
    public init(pointer: String, detail: String) {
        self.pointer = pointer
        self.detail = detail
    }
}

/// A value is JSON, but not what was asked for: everything that is wrong with it.
public struct JSONValidationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// At least one, in the order in which they were found.
    public let problems: [JSONProblem]

    /// Makes an error of all problems found.
    public init(_ problems: [JSONProblem]) {
        self.problems = problems
    }

    /// Makes an error of one problem.
    public init(pointer: String, detail: String) {
        self.init([JSONProblem(pointer: pointer, detail: detail)])
    }

    /// Each problem with its pointer.
    public var description: String {
        problems.map { $0.pointer.isEmpty ? $0.detail : "\($0.pointer): \($0.detail)" }.joined(separator: "; ")
    }
}

/// Builds RFC 6901 pointers.
public enum JSONPointer {
    /// The pointer to a member of what a pointer points at.
    public static func member(_ key: String, of pointer: String) -> String {
        var text = pointer + "/"
        for scalar in key.unicodeScalars {
            switch scalar {
            case "~": text += "~0"
            case "/": text += "~1"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    /// The pointer to an element of what a pointer points at.
    public static func element(_ index: Int, of pointer: String) -> String {
        "\(pointer)/\(index)"
    }
}
