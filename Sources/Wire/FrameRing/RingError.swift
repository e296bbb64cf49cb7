/// Why a ring can't be written or read, and what to do about it.
public struct RingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong.
    public enum Code: String, Sendable {
        /// There is no file at the path.
        case missing
        /// The file is something else, or damaged.
        case notARing
        /// The file has another layout version.
        case version
        /// The file holds another number of frames than was asked for.
        case capacity
        /// The file holds frames of another layout than was asked for.
        case layout
        /// Its folder is missing, or closed to this user.
        case folder
        /// Another process writes it.
        case locked
        /// There is not enough space for it.
        case space
        /// The system refused a call.
        case system
        /// The writer is too fast for this ring: every copy was overtaken.
        case lapped
    }

    /// What is wrong.
    public let code: Code
    /// One sentence, with the path and a way out.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
