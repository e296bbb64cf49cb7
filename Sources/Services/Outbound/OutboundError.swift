/// What went wrong between us and the outside, in words for the person who runs Collider.
public struct OutboundError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What it is about.
    public enum Code: String, Sendable {
        /// A block of addresses is not one.
        case addressBlock
        /// Nobody answers there.
        case unreachable
        /// The answer broke a bound.
        case response
        /// The request can't be sent as it is.
        case invalidRequest
    }

    /// What it is about.
    public let code: Code
    /// What happened and what to do about it; holds no secret.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
