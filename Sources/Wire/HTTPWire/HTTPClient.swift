public import ServiceLifecycle

/// Sends requests over libcurl: one multi handle on one lane, with one policy and one pool of connections.
///
/// The policy belongs to the client and not to the request, because a pooled connection is used again without being
/// asked about: two policies that share a pool would share what each of them allows.
///
/// Nothing is followed (redirects, `Alt-Svc`), looked up (`.netrc`, proxies of the environment) or decoded (gzip).
public final class HTTPClient: Service {
    /// Bounds and trust.
    public struct Settings: Sendable {
        /// How long a connection may take to be made.
        public var connectTimeout = Duration.seconds(5)
        /// Requests under way; more are refused.
        public var maximumTransfers = 1024
        /// Connections that are kept open for the next request.
        public var maximumIdleConnections = 256
        /// How long an unused connection is used again.
        public var idleTimeout = Duration.seconds(30)
        /// Certificates to trust (a PEM file) in place of the system's.
        public var certificateBundle: String?

        /// The usual settings.
        public init() {}
    }

    private let loop: TransferLoop

    /// Makes a client; nothing runs and nothing connects before the first request.
    public init(policy: AddressPolicy, settings: Settings = Settings()) {
        loop = TransferLoop(policy: policy, settings: settings)
    }

    /// Sends a request; cancelling the task ends the transfer.
    public func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        try await loop.perform(request).get()
    }

    /// As ``send(_:)``, for those of whom thousands wait: the result that is returned takes them less memory.
    public func outcome(of request: HTTPRequest) async -> Result<HTTPResponse, HTTPError> {
        await loop.perform(request)
    }

    /// Sends a request and hands over the body of a response of success (2xx) piece by piece, as it comes.
    ///
    /// - Parameter receive: Called in order, on the client's lane: while it takes its time, nothing more is read,
    ///   neither of this response nor for other requests of the client.
    /// - Returns: the response at its end, with no body; a response of any other status is whole, as from ``send(_:)``.
    public func stream(
        _ request: HTTPRequest, receive: @escaping @Sendable ([UInt8]) -> Void
    ) async throws(HTTPError) -> HTTPResponse {
        try await read(request) {
            receive($0)
            return true
        }
    }

    /// As ``stream(_:receive:)``, for as long as more is wanted: what follows is left where it is, and the response is
    /// as good as whole.
    public func read(
        _ request: HTTPRequest, while wantsMore: @escaping @Sendable ([UInt8]) -> Bool
    ) async throws(HTTPError) -> HTTPResponse {
        var request = request
        request.receive = wantsMore
        return try await loop.perform(request).get()
    }

    /// Hands a mail over to an SMTP server; the address policy applies to it as to any other.
    ///
    /// - Returns: the server's last reply, when it took the mail (2yz) and when it refused it (4yz, 5yz): its code is
    ///   the status, its lines are the body.
    public func deliver(_ mail: MailRequest) async throws(HTTPError) -> HTTPResponse {
        try await loop.perform(try mail.request()).get()
    }

    /// Waits for graceful shutdown, then closes. Whoever uses the client is to be shut down before it.
    public func run() async throws {
        try? await gracefulShutdown()
        close()
    }

    /// Ends what is under way, and refuses what comes later.
    public func close() {
        loop.close()
    }

    deinit {
        loop.close()
    }

    /// How many sockets were opened so far, to show that a refused address got none.
    package var openedSockets: Int { loop.openedSockets }
}
