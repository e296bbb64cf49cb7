/// How one attempt of a delivery went.
public struct AttemptResult: Sendable, Equatable {
    /// Why there was no answer.
    public enum Failure: String, Sendable, CaseIterable {
        /// Nothing, or not everything, came in time.
        case timeout
        /// No connection, or it broke.
        case connection
        /// The certificate or the handshake was refused.
        case tls
        /// The answer broke a bound or the protocol.
        case response
        /// The address is one that actions may not reach.
        case deniedAddress = "denied_address"
        /// There was no valid request to send; see ``RenderingError``.
        case invalidRequest = "invalid_request"

        /// Whether another attempt would fail for the same reason.
        public var isPermanent: Bool { self == .deniedAddress || self == .invalidRequest }
    }

    /// At most this many bytes of a response are kept.
    public static let excerptLimit = 16 * 1024

    /// The HTTP status; nil when there was no answer.
    public let statusCode: Int?
    /// Why there was no answer; nil when there was.
    public let failure: Failure?
    /// What went wrong in words, without secrets; nil when there was an answer.
    public let error: String?
    /// The receiver's `Retry-After` in seconds.
    public let retryAfterSeconds: Int?
    /// The start of the response's body, as text without NUL.
    public let responseExcerpt: String
    /// How long the attempt took, in microseconds.
    public let durationMicroseconds: Int64
    /// The request and the answer, without secrets.
    public var details = AttemptDetails.none

    /// The attempt was answered.
    ///
    /// - Parameter body: bytes of any kind; what is not UTF-8 is replaced, what is over the limit cut.
    public init(
        statusCode: Int, body: some Collection<UInt8>, retryAfterSeconds: Int? = nil, durationMicroseconds: Int64
    ) {
        self.statusCode = statusCode
        failure = nil
        error = nil
        self.retryAfterSeconds = retryAfterSeconds
        responseExcerpt = Self.excerpt(of: body)
        self.durationMicroseconds = durationMicroseconds
    }

    /// The attempt was not answered.
    ///
    /// - Parameter error: what went wrong in words, without secrets.
    public init(failure: Failure, error: String, durationMicroseconds: Int64) {
        statusCode = nil
        self.failure = failure
        self.error = error
        retryAfterSeconds = nil
        responseExcerpt = ""
        self.durationMicroseconds = durationMicroseconds
    }

    private static func excerpt(of body: some Collection<UInt8>) -> String {
        let cleaned = body.prefix(excerptLimit).map { $0 == 0 ? UInt8(ascii: " ") : $0 }
        return String(decoding: cleaned, as: UTF8.self)
    }
}
