/// What keeps the queue from working.
public struct JobQueueError: Error, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Code: String, Sendable {
        /// Redis may drop keys when its memory is full.
        case evictionPolicy
    }

    /// What is wrong.
    public let code: Code
    /// In words, with what to do about it.
    public let message: String

    /// Makes an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
