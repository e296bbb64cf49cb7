import CCurl

/// The last reply of an SMTP server: a code of three digits on each line, `-` behind it on all but the last (RFC 5321
/// §4.2.1).
struct MailReply {
    /// Bytes of a reply that are kept.
    static let maximumBytes = 4 * 1024

    private(set) var bytes: [UInt8] = []
    private var isComplete = true

    /// Takes a line. The leave that the server takes at the end (221) says nothing about the mail.
    mutating func receive(_ line: some Collection<UInt8>) {
        guard !line.starts(with: "221".utf8) else { return }
        if isComplete { bytes.removeAll() }
        let text = line.filter { $0 != 0x0D && $0 != 0x0A }
        if !bytes.isEmpty { bytes.append(0x0A) }
        bytes += text
        bytes = Array(bytes.prefix(Self.maximumBytes))
        isComplete = text.count < 4 || text[3] != UInt8(ascii: "-")
    }

    /// The code that the server answered with; nil when that is not what the transfer ended for.
    ///
    /// libcurl has an error of its own for each command that is refused; the code says what it means.
    func verdict(_ code: CURLcode, status: Int) -> Int? {
        switch code {
        case CURLE_OK: status
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_WEIRD_SERVER_REPLY, CURLE_LOGIN_DENIED, CURLE_UPLOAD_FAILED,
            CURLE_REMOTE_ACCESS_DENIED, CURLE_USE_SSL_FAILED, CURLE_QUOTE_ERROR:
            (400..<600).contains(status) ? status : nil
        default: nil
        }
    }
}
