import EventModel
import JSONTree

/// A mail that is ready to be handed to an SMTP server.
public struct RenderedEmail: Sendable {
    /// The server's name or address.
    public let host: String
    /// Its TCP port.
    public let port: Int
    /// How the connection is protected.
    public let security: EmailAction.Security
    /// Who logs in, and by which password, which must be kept out of errors, logs and stored attempts.
    public let credentials: (username: String, password: String)?
    /// Certificates to trust in place of the system's, in PEM.
    public let authorities: String?
    /// Who we say we are: the domain of the sender.
    public let clientName: String
    /// `local@domain`, where reports of failure go.
    public let sender: String
    /// Each `local@domain`.
    public let recipients: [String]
    /// Headers and body (RFC 5322), ASCII in lines of at most 998 bytes that end in CR LF.
    public let message: [UInt8]
}

extension EmailAction {
    static let maximumBodyBytes = 1024 * 1024

    /// Renders the mail for a firing.
    ///
    /// - Parameter deliveryID: makes the `Message-ID`, by which receivers know a mail that they have already.
    /// - Throws: ``RenderingError`` when a value is missing that has no default, a recipient is no address, or the mail
    ///   is too large.
    public func request(for firing: Firing, deliveryID: UniqueID) throws(RenderingError) -> RenderedEmail {
        var recipients: [MailAddress] = []
        for template in to {
            let text = try template.render(firing, escaping: .none, limit: 4 * Self.maximumAddressLength, of: .address)
            guard let address = MailAddress(text) else { throw .invalid(.address, "is not one: a recipient in \"to\"") }
            recipients.append(address)
        }
        let title = try subject.render(firing, escaping: .none, limit: 4 * Self.maximumSubjectLength, of: .subject)
        let limit = Self.maximumBodyBytes
        let message = MailMessage(
            from: from, to: recipients, subject: Escaping.singleLine(title), date: firing.firedAt,
            id: deliveryID, text: try text.render(firing, escaping: .none, limit: limit, of: .text),
            html: try html?.render(firing, escaping: .html, limit: limit, of: .body))
        return RenderedEmail(
            host: host, port: port, security: security,
            credentials: username.flatMap { name in password.map { (name, $0) } }, authorities: authorities,
            clientName: String(from.domain), sender: from.address, recipients: recipients.map(\.address),
            message: message.bytes)
    }
}
