import EventModel
import JSONTree
import Testing

@testable import ActionModel

@Suite("Email actions")
struct EmailActionTests {
    private static let server = #""host":"mail.example.com","from":"Shop <shop@example.com>""#
    private let deliveryID = UniqueID(high: 0x0192_0000_0000_7000, low: 0x8000_0000_0000_0001)

    private func mail(_ members: String, _ data: String = "{}") throws -> RenderedEmail {
        try email("{\(Self.server),\(members)}").request(for: try firing(data), deliveryID: deliveryID)
    }

    @Test("A mail has its headers, a stable id, and lines that any server takes")
    func plainMail() throws {
        let mail = try mail(
            #""to":["{{email}}","Ben <ben@example.org>"],"subject":"{{n}} paid","text":"Hello = {{n}}\n.\nend ""#,
            #"{"email":"ada@example.net","n":"Ada"}"#)
        #expect(mail.host == "mail.example.com" && mail.port == 587 && mail.security == .startTLS)
        #expect(mail.sender == "shop@example.com" && mail.clientName == "example.com" && mail.credentials == nil)
        #expect(mail.recipients == ["ada@example.net", "ben@example.org"])
        #expect(
            text(mail.message).components("\r\n") == [
                "Date: Sun, 1 Mar 2026 08:30:02 +0000", "From: Shop <shop@example.com>",
                "To: ada@example.net,", " Ben <ben@example.org>", "Subject: Ada paid",
                "Message-ID: <\(deliveryID)@example.com>", "Auto-Submitted: auto-generated", "MIME-Version: 1.0",
                "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: quoted-printable", "",
                "Hello =3D Ada", ".", "end=20", "",
            ])
    }

    @Test("With HTML there are two forms of one mail, and values are escaped in one of them")
    func alternatives() throws {
        let mail = try mail(
            #""to":["a@example.org"],"subject":"s","text":"{{x}}","html":"<b>{{x}}</b>""#, #"{"x":"<i> & ü"}"#)
        let lines = text(mail.message).components("\r\n")
        let boundary = "=_\(deliveryID)"
        #expect(lines.contains("Content-Type: multipart/alternative; boundary=\"\(boundary)\""))
        #expect(lines.filter { $0.hasPrefix("--") } == ["--\(boundary)", "--\(boundary)", "--\(boundary)--"])
        #expect(lines.contains("<i> & =C3=BC") && lines.contains("<b>&lt;i&gt; &amp; =C3=BC</b>"))
    }

    @Test("No value ends a header")
    func injection() throws {
        let data =
            #"{"x":"a\r\nBcc: evil@example.com\r\n\r\nbody","name":"ada@example.com>\r\nRCPT TO:<evil@example.com"}"#
        let lines = text(try mail(#""to":["a@example.org"],"subject":"{{x}}","text":"t""#, data).message).components(
            "\r\n")
        #expect(lines.contains("Subject: a  Bcc: evil@example.com    body"))
        #expect(!lines.contains { $0.hasPrefix("Bcc") })
        #expect(throws: RenderingError.self) {
            try mail(#""to":["{{name}}"],"subject":"s","text":"t""#, data)
        }
        #expect(throws: RenderingError.self) {
            try mail(#""to":["{{{x}}}@example.com"],"subject":"s","text":"t""#, data)
        }
    }

    @Test("A subject that is not plain goes in encoded words, each whole by itself")
    func encodedWords() {
        #expect(MailText.header("plain subject") == "plain subject")
        #expect(MailText.header("é") == "=?UTF-8?B?w6k=?=")
        #expect(MailText.header("=?UTF-8?B?w6k=?=") == "=?UTF-8?B?PT9VVEYtOD9CP3c2az0/PQ==?=")
        let long = MailText.header(String(repeating: "x💶", count: 40)).components("\r\n ")
        #expect(long.count > 1 && long.allSatisfy { $0.utf8.count <= 75 })
        let decoded = long.map { word -> String in
            String(validating: Base64.decode(String(word.dropFirst(10).dropLast(2))) ?? [], as: UTF8.self) ?? "?"
        }
        #expect(decoded.joined() == String(repeating: "x💶", count: 40))
        #expect(MailText.phrase("Ada Lovelace") == "Ada Lovelace")
        #expect(MailText.phrase(#"Lovelace, Ada "A""#) == #""Lovelace, Ada \"A\"""#)
        #expect(MailText.phrase("Zoë") == "=?UTF-8?B?Wm/Dqw==?=")
    }

    @Test("Quoted-printable reads back as it was, in lines of at most 76")
    func quotedPrintable() {
        var generator = SplitMix(state: 3)
        let alphabet = ["a", "=", " ", "\t", "\n", "é", "💶", ".", "-", "\u{0}"]
        for _ in 0..<300 {
            let text = (0..<Int.random(in: 0..<200, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator) ?? ""
            }.joined()
            let encoded = MailText.quotedPrintable(text)
            let lines = encoded.components("\r\n")
            #expect(lines.allSatisfy { $0.utf8.count <= 76 && !$0.hasSuffix(" ") && !$0.hasSuffix("\t") })
            #expect(encoded.utf8.allSatisfy { $0 < 0x80 })
            #expect(decode(encoded) == text.replacing("\n", with: "\r\n"))
        }
        #expect(MailText.quotedPrintable("a\r\nb\rc\nd") == "a\r\nb\r\nc\r\nd")
    }

    private func decode(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "=") else {
                bytes.append(byte)
                continue
            }
            let pair = String(decoding: rest.prefix(2), as: UTF8.self)
            rest = rest.dropFirst(2)
            if let value = UInt8(pair, radix: 16) { bytes.append(value) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(
        "What is no address is refused",
        arguments: [
            "", "ada", "@example.com", "ada@", "a b@example.com", "ada@exa mple.com", "ada@example..com",
            ".a@example.com",
            "a..b@example.com", "a@-example.com", "a,b@example.com", "<ada@example.com", "ada@example.com>",
            "Ada <ada@example.com> x", "a@b@example.com", "ada@[127.0.0.1]", "\"a b\"@example.com", "ä@example.com",
            "a@exämple.com", "Ada <<ada@example.com>", "A\r\nBcc: x <a@example.com>", "a@example.com\r\n",
            "a@example.com, b@example.com",
        ])
    func badAddresses(text: String) {
        #expect(MailAddress(text) == nil)
    }

    @Test("Addresses are read with and without a name")
    func addresses() throws {
        #expect(try #require(MailAddress("a.b+c@mail.example.com")).domain == "mail.example.com")
        #expect(try #require(MailAddress(" Ada <ada@localhost> ")).name == "Ada")
        #expect(try #require(MailAddress(#""Lovelace, Ada" <ada@example.com>"#)).name == "Lovelace, Ada")
    }

    @Test("Settings are checked, all at once")
    func settings() {
        let found = problems {
            _ = try email(
                #"""
                {"host":"a b","port":0,"tls":"ssl","username":"u","ca_pem":"x","from":"x","to":[],"subject":"{{",\#
                "text":"","html":5,"bcc":[]}
                """#)
        }
        #expect(
            found.map { String($0.prefix { $0 != ":" }) } == [
                "/actions/0/config/tls", "/actions/0/config/port", "/actions/0/config/host", "/actions/0/config",
                "/actions/0/config/ca_pem", "/actions/0/config/from", "/actions/0/config/to",
                "/actions/0/config/subject", "/actions/0/config/text", "/actions/0/config/html",
                "/actions/0/config/bcc",
            ])
        let rest = #""to":["a@example.org"],"subject":"s","text":"t""#
        for (members, place) in [
            (#""tls":"none","username":"u","password":"p""#, "/tls"), (#""username":"u""#, ""),
            (#""password":"p""#, ""), (#""username":"u","password":"••••""#, "/password"),
        ] {
            let found = problems { _ = try email("{\(Self.server),\(rest),\(members)}") }
            #expect(found.count == 1)
            #expect(found.first?.hasPrefix("/actions/0/config\(place): ") == true, "\(found)")
        }
        for host in ["mail.example.com:25", "ada@mail", "[::1", "::1", "mail/x", "{{host}}"] {
            let found = problems { _ = try email(#"{"host":"\#(host)","from":"a@b.c",\#(rest)}"#) }
            #expect(found.first?.hasPrefix("/actions/0/config/host: ") == true, "\(host)")
        }
    }

    @Test("Ports follow the protection, and a masked password stays with its server and user")
    func passwords() throws {
        let rest = #""to":["a@example.org"],"subject":"s","text":"t""#
        for (tls, port) in [("none", 25), ("starttls", 587), ("implicit", 465)] {
            #expect(try email(#"{\#(Self.server),\#(rest),"tls":"\#(tls)"}"#).port == port)
        }
        func config(_ host: String, _ user: String, _ password: String) -> String {
            #"""
            {"type":"email","config":{"host":"\#(host)","username":"\#(user)","password":"\#(password)",\#
            "from":"a@b.c",\#(rest)}}
            """#
        }
        let stored = try action(config("mail.example.com", "u", "s3cret"))
        #expect(!stored.written(.masked).contains("s3cret"))
        #expect(try action(config("mail.example.com", "u", "••••"), from: stored).written(.plain).contains("s3cret"))
        #expect(problems { _ = try action(config("evil.example", "u", "••••"), from: stored) }.count == 1)
        #expect(problems { _ = try action(config("mail.example.com", "v", "••••"), from: stored) }.count == 1)
    }
}

extension String {
    fileprivate func components(_ separator: String) -> [String] {
        split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
}
