/// An action can't be rendered for an event; trying again would give the same.
public struct RenderingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What grew beyond its bound.
    public enum Part: String, Sendable {
        /// The body of a request.
        case body
        /// A header's value.
        case header
        /// The address of a request.
        case url
    }

    /// What grew beyond its bound.
    public let part: Part
    /// The bound in bytes.
    public let limit: Int

    /// Says what is too large.
    public var description: String { "the rendered \(part.rawValue) has more than \(limit) bytes" }
}
