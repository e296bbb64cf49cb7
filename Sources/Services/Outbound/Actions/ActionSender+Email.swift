import ActionModel
import HTTPWire

extension ActionSender {
    /// Hands a mail over; the code of the server's last reply is the status of the result.
    @inline(never)
    func send(_ rendered: RenderedEmail) async -> SentAttempt {
        var mail = MailRequest(
            host: rendered.host, port: rendered.port, security: MailRequest.Security(rendered.security),
            clientName: rendered.clientName, sender: rendered.sender, recipients: rendered.recipients,
            message: rendered.message)
        mail.credentials = rendered.credentials
        mail.tls = rendered.authorities.map { HTTPRequest.TLS(authorities: $0) }
        let redaction = Redaction(secrets: rendered.credentials.map { [$0.password] } ?? [])
        let start = ContinuousClock.now
        var result: AttemptResult
        var trace: HTTPTrace?
        do throws(HTTPError) {
            let response = try await client.deliver(mail)
            trace = response.trace
            result = AttemptResult(
                statusCode: response.status, body: redaction(response.body),
                durationMicroseconds: start.microsecondsSince)
        } catch {
            trace = error.trace
            result = AttemptResult(
                failure: AttemptResult.Failure(error.code), error: redaction(error.message),
                durationMicroseconds: start.microsecondsSince)
        }
        let server = "\(rendered.security == .implicit ? "smtps" : "smtp")://\(rendered.host):\(rendered.port)"
        result.details = OutboundRequest.details(method: "SMTP", url: server, trace)
        return SentAttempt(result: result, request: redaction(Self.excerpt(of: rendered, server)))
    }

    /// The envelope and the start of the message, which holds no secret.
    private static func excerpt(of rendered: RenderedEmail, _ server: String) -> String {
        let lines =
            ["SMTP \(server)", "MAIL FROM:<\(rendered.sender)>"] + rendered.recipients.map { "RCPT TO:<\($0)>" }
        let message = rendered.message.prefix(OutboundRequest.excerptLimit)
        return (lines + ["", String(decoding: message, as: UTF8.self)]).joined(separator: "\n")
    }
}

extension MailRequest.Security {
    init(_ security: EmailAction.Security) {
        self =
            switch security {
            case .none: .none
            case .startTLS: .startTLS
            case .implicit: .implicit
            }
    }
}
