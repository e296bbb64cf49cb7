/// Why a request got no response.
///
/// The message names hosts and ports, never the path, a header or the body: secrets travel in all three.
public struct HTTPError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What happened.
    public enum Code: String, Sendable, CaseIterable {
        /// The URL, method or a header can't be sent.
        case invalidRequest
        /// The policy does not allow the address.
        case deniedAddress
        /// The host's name has no address, or nobody could tell.
        case resolution
        /// No connection, or it broke before the response was whole.
        case connection
        /// The handshake failed, or the certificate is not trusted.
        case tls
        /// The time was over before the response was whole.
        case timeout
        /// What came is not HTTP, or its headers are too many.
        case response
        /// The task was cancelled.
        case cancelled
        /// Too many requests are under way.
        case overloaded
        /// The client was closed.
        case closed
    }

    /// What happened.
    public let code: Code
    /// In words, on one line.
    public let message: String
    /// How far the request came; nil when it was never under way.
    public internal(set) var trace: HTTPTrace?

    /// Makes an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Whether the same request may succeed later.
    public var isRetriable: Bool {
        switch code {
        case .invalidRequest, .deniedAddress, .cancelled, .closed: false
        case .resolution, .connection, .tls, .timeout, .response, .overloaded: true
        }
    }

    /// One line for the log.
    public var description: String { "http \(code.rawValue): \(message)" }
}
