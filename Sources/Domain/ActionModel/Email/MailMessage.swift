import EventModel

/// Headers and body of a mail (RFC 5322, RFC 2045–2047): ASCII, whatever is said in it.
struct MailMessage {
    let from: MailAddress
    let to: [MailAddress]
    let subject: String
    let date: Timestamp
    let id: UniqueID
    let text: String
    let html: String?

    /// The whole message; every line ends in CR LF.
    var bytes: [UInt8] {
        var lines = [
            "Date: \(date.rfc5322)", "From: \(Self.header(from))",
            "To: \(to.map(Self.header).joined(separator: ",\r\n "))", "Subject: \(MailText.header(subject))",
            "Message-ID: <\(id)@\(from.domain)>",
            // RFC 3834: so that no vacation notice answers.
            "Auto-Submitted: auto-generated", "MIME-Version: 1.0",
        ]
        guard let html else {
            lines += Self.part(text, "text/plain")
            return Array((lines.joined(separator: "\r\n") + "\r\n").utf8)
        }
        // No quoted-printable line begins with it, because each `=` in one is followed by two digits or ends it.
        let boundary = "=_\(id)"
        lines += ["Content-Type: multipart/alternative; boundary=\"\(boundary)\"", ""]
        lines += ["--\(boundary)"] + Self.part(text, "text/plain")
        lines += ["--\(boundary)"] + Self.part(html, "text/html") + ["--\(boundary)--"]
        return Array((lines.joined(separator: "\r\n") + "\r\n").utf8)
    }

    private static func part(_ text: String, _ type: String) -> [String] {
        [
            "Content-Type: \(type); charset=utf-8", "Content-Transfer-Encoding: quoted-printable", "",
            MailText.quotedPrintable(text),
        ]
    }

    private static func header(_ address: MailAddress) -> String {
        guard let name = address.name else { return address.address }
        return "\(MailText.phrase(name)) <\(address.address)>"
    }
}

/// Texts in the forms that a mail can carry.
enum MailText {
    /// A text as a header's value: as it is when that is short and plain, else in encoded words (RFC 2047 §2), each of
    /// which is a line of at most 75 characters and can be read by itself.
    static func header(_ text: String) -> String {
        let isPlain =
            text.utf8.count <= 60 && !text.contains("=?") && text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
        guard !isPlain else { return text }
        var words: [String] = []
        var word: [UInt8] = []
        for scalar in text.unicodeScalars {
            let bytes = Array(String(scalar).utf8)
            if word.count + bytes.count > 45 {
                words.append(encoded(word))
                word = []
            }
            word += bytes
        }
        return (words + [encoded(word)]).joined(separator: "\r\n ")
    }

    private static func encoded(_ bytes: [UInt8]) -> String { "=?UTF-8?B?\(Base64.encode(bytes))?=" }

    /// A name before an address: words, a quoted string, or encoded words.
    static func phrase(_ name: String) -> String {
        let isAtoms = name.utf8.allSatisfy { $0 == 0x20 || (Escaping.isUnreserved($0) && $0 != UInt8(ascii: ".")) }
        guard !isAtoms || name.utf8.count > 60 else { return name }
        guard name.utf8.count <= 60, name.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else { return header(name) }
        return "\"" + name.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] } + "\""
    }

    /// A body in lines of at most 76 characters (RFC 2045 §6.7); line breaks of any kind become CR LF.
    static func quotedPrintable(_ text: String) -> String {
        var output: [UInt8] = []
        var column = 0
        let bytes = Array(text.utf8)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0x0A
            index += 1
            if byte == 0x0D || byte == 0x0A {
                if byte == 0x0D, index < bytes.count, bytes[index] == 0x0A { index += 1 }
                output += [0x0D, 0x0A]
                column = 0
                continue
            }
            // A blank at the end of a line might get lost on the way.
            let isBlankAtEnd = (byte == 0x20 || byte == 0x09) && (next == 0x0D || next == 0x0A)
            let isPlain = (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "=") || byte == 0x20 || byte == 0x09
            let piece = isPlain && !isBlankAtEnd ? [byte] : hexadecimal(byte)
            if column + piece.count > 75 {
                output += [UInt8(ascii: "="), 0x0D, 0x0A]
                column = 0
            }
            output += piece
            column += piece.count
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func hexadecimal(_ byte: UInt8) -> [UInt8] {
        var output: [UInt8] = []
        Escaping.appendPercent(byte, to: &output)
        output[0] = UInt8(ascii: "=")
        return output
    }
}
