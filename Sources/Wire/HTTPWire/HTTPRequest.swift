/// What is sent, and within which bounds.
public struct HTTPRequest: Sendable {
    /// A name and a value, free of line breaks.
    public typealias Header = (name: String, value: String)

    /// The method, in capitals.
    public var method: String
    /// An absolute URL: `http` or `https`, without user and password.
    public var url: String
    /// Headers besides `host`, `content-length` and `accept`, which are set for you.
    public var headers: [Header]
    /// The body; nil for none, which for `POST`, `PUT` and `PATCH` is sent as one of no bytes.
    public var body: [UInt8]?
    /// How long all of it may take, the name's resolution and the response's last byte included.
    public var timeout: Duration
    /// How many bytes of the response's body are read; what follows is left where it is.
    public var maximumResponseBytes: Int
    /// How TLS is spoken with this host; nil for the client's way.
    public var tls: TLS?

    /// What name resolution would answer, `name:port:address[,address…]`: so that tests of the policy need no name
    /// server.
    package var resolutions: [String] = []
    /// Is given the body of a response of success, in the place of the response; see ``HTTPClient/stream(_:receive:)``.
    var receive: (@Sendable ([UInt8]) -> Void)?

    /// Makes a request.
    public init(
        _ method: String, _ url: String, headers: [Header] = [], body: [UInt8]? = nil, timeout: Duration = .seconds(30),
        maximumResponseBytes: Int = 64 * 1024
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.maximumResponseBytes = maximumResponseBytes
    }
}

extension HTTPRequest {
    /// How TLS is spoken with one host. Connections are shared only among requests that say the same.
    public struct TLS: Sendable, Equatable {
        /// Certificates to trust in place of the client's, in PEM.
        public var authorities: String?
        /// The certificate to show and its private key, both in PEM.
        public var identity: Identity?
        /// Whether to refuse TLS 1.2 too; what is older is always refused.
        public var requiresTLS13: Bool

        /// A certificate and its private key, in PEM.
        public struct Identity: Sendable, Equatable {
            /// The certificate, and those that issued it.
            public let certificate: String
            /// The key, without a password.
            public let key: String

            /// Makes an identity.
            public init(certificate: String, key: String) {
                self.certificate = certificate
                self.key = key
            }
        }

        /// Makes options.
        public init(authorities: String? = nil, identity: Identity? = nil, requiresTLS13: Bool = false) {
            self.authorities = authorities
            self.identity = identity
            self.requiresTLS13 = requiresTLS13
        }
    }
}

/// Where the time of a transfer went, in microseconds; what did not happen is nil: no name is looked up and nothing is
/// connected when the pool has a connection, and nothing comes after what broke off.
public struct HTTPTrace: Sendable, Equatable {
    /// Looking the name up.
    public let nameLookup: Int64?
    /// Connecting.
    public let connect: Int64?
    /// The TLS handshake.
    public let handshake: Int64?
    /// From the request's first byte to the response's.
    public let firstByte: Int64?
    /// All of it.
    public let total: Int64
    /// The address that was connected to.
    public let address: String?
}

/// What came back.
public struct HTTPResponse: Sendable {
    /// The status code. A redirect is a response like any other: nobody follows it.
    public let status: Int
    /// The headers in their order; names in lower case.
    public let headers: [HTTPRequest.Header]
    /// The body as it was sent, up to the request's bound.
    public let body: [UInt8]
    /// Whether the body went on behind the bound.
    public let isTruncated: Bool
    /// Where the time went.
    public let trace: HTTPTrace

    /// The first header of a name, which is given in lower case.
    public func header(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }
}
