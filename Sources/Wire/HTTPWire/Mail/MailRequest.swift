/// A mail and the SMTP server that it is handed to (RFC 5321).
public struct MailRequest: Sendable {
    /// How the connection is protected.
    public enum Security: Sendable {
        /// Not at all.
        case none
        /// TLS from the command `STARTTLS` on, without which nothing is sent.
        case startTLS
        /// TLS from the first byte.
        case implicit
    }

    /// Name or address of the server.
    public var host: String
    /// TCP port of the server.
    public var port: Int
    /// How the connection is protected.
    public var security: Security
    /// How TLS is spoken; nil for the client's way.
    public var tls: HTTPRequest.TLS?
    /// Who we say we are, a host's name.
    public var clientName: String
    /// Who logs in; nil for nobody.
    public var credentials: (username: String, password: String)?
    /// `local@domain`, where reports of failure go.
    public var sender: String
    /// Each `local@domain`; the mail goes to all of them or to none.
    public var recipients: [String]
    /// Headers and body, in lines that end in CR LF.
    public var message: [UInt8]
    /// How long all of it may take.
    public var timeout: Duration

    /// What name resolution would answer; see ``HTTPRequest``.
    package var resolutions: [String] = []

    /// Makes a request.
    public init(
        host: String, port: Int, security: Security, clientName: String, sender: String, recipients: [String],
        message: [UInt8], timeout: Duration = .seconds(60)
    ) {
        self.host = host
        self.port = port
        self.security = security
        self.clientName = clientName
        self.sender = sender
        self.recipients = recipients
        self.message = message
        self.timeout = timeout
    }

    /// What the loop of transfers runs. libcurl takes the name of the client from the URL's path.
    ///
    /// - Throws: where a line break could begin a command of its own.
    func request() throws(HTTPError) -> HTTPRequest {
        let texts = [host, clientName, sender, credentials?.username ?? "", credentials?.password ?? ""] + recipients
        guard texts.allSatisfy({ text in !text.utf8.contains { $0 < 0x20 || $0 == 0x7F } }) else {
            throw HTTPError(.invalidRequest, "an address, a name or a password holds a control character")
        }
        guard !recipients.isEmpty else { throw HTTPError(.invalidRequest, "the mail has no recipient") }
        let scheme = security == .implicit ? "smtps" : "smtp"
        var request = HTTPRequest("SMTP", "\(scheme)://\(host):\(port)/\(clientName)", timeout: timeout)
        request.tls = tls
        request.resolutions = resolutions
        request.mail = self
        return request
    }
}
