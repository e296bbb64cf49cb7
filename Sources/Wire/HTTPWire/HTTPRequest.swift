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

    /// What name resolution would answer, `name:port:address[,address…]`: so that tests of the policy need no name
    /// server.
    package var resolutions: [String] = []
    /// Is given the body of a response of success, in the place of the response; see ``HTTPClient/read(_:while:)``.
    var receive: (@Sendable ([UInt8]) -> Bool)?

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

    /// The first header of a name, which is given in lower case.
    public func header(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }
}
