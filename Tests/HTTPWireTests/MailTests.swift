import HTTPWire
import TestKit
import Testing

@Suite("Handing mails over")
struct MailTests {
    private func mail(_ port: Int, to recipients: [String] = ["ada@example.org"], message: String = "") -> MailRequest {
        let message = message.isEmpty ? "Subject: hello\r\n\r\n.dot\r\nend\r\n" : message
        return MailRequest(
            host: "127.0.0.1", port: port, security: .none, clientName: "shop.example.com", sender: "shop@example.com",
            recipients: recipients, message: Array(message.utf8))
    }

    /// What came of a mail for a server that replies so.
    private func outcome(
        _ replies: [String: String], _ change: (inout MailRequest) -> Void = { _ in }
    ) async throws -> (Result<HTTPResponse, HTTPError>, LoopbackMailLog) {
        let log = LoopbackMailLog()
        return try await withLoopbackServer({ $0.serveMail(log, replies: replies) }) { server in
            let client = HTTPClient(policy: .unrestricted)
            defer { client.close() }
            var request = mail(server.port)
            change(&request)
            do throws(HTTPError) {
                return (.success(try await client.deliver(request)), log)
            } catch {
                return (.failure(error), log)
            }
        }
    }

    @Test("The server gets envelope and message, whatever its lines begin with, and its words come back")
    func delivered() async throws {
        let (result, log) = try await outcome([:]) { $0.recipients.append("ben@example.org") }
        let reply = try result.get()
        #expect(reply.status == 250)
        #expect(String(decoding: reply.body, as: UTF8.self) == "250 2.0.0 queued as 42")
        #expect(
            log.commands == [
                "EHLO shop.example.com", "MAIL FROM:<shop@example.com> SIZE=\(mail(1).message.count)",
                "RCPT TO:<ada@example.org>", "RCPT TO:<ben@example.org>", "DATA", "QUIT",
            ])
        // The dot at the start of a line is doubled on the way (RFC 5321 §4.5.2).
        #expect(log.messages == ["Subject: hello\r\n\r\n..dot\r\nend"])
        #expect(reply.trace.address == "127.0.0.1")
    }

    @Test(
        "A refusal is an answer with the server's code and words, at whatever command",
        arguments: [
            ("greeting", "421 4.3.2 shutting down", 421), ("greeting", "554 no service", 554),
            ("MAIL", "451 4.7.1 greylisted", 451), ("MAIL", "550 sender refused", 550),
            ("RCPT", "550 5.1.1 no such user", 550), ("RCPT", "452 4.5.3 too many", 452),
            ("DATA", "554 5.6.0 no", 554), ("message", "552 5.3.4 too large", 552), ("message", "451 later", 451),
            ("message", "550-two\r\n550 lines", 550),
        ])
    func refused(command: String, reply: String, code: Int) async throws {
        let (result, log) = try await outcome([command: reply])
        let answer = try result.get()
        #expect(answer.status == code)
        #expect(String(decoding: answer.body, as: UTF8.self) == reply.replacing("\r\n", with: "\n"))
        #expect(log.messages.count == (command == "message" ? 1 : 0))
    }

    @Test("One refused recipient, and nobody gets it")
    func allOrNone() async throws {
        let (result, log) = try await outcome(["RCPT": "550 no"]) { $0.recipients.append("ben@example.org") }
        #expect(try result.get().status == 550)
        #expect(log.messages.isEmpty)
    }

    @Test("A server that breaks off, or says nothing, is a failure")
    func brokenOff() async throws {
        for command in ["greeting", "MAIL", "message"] {
            guard case .failure(let error) = try await outcome([command: ""]).0 else {
                Issue.record("\(command)")
                continue
            }
            #expect(error.isRetriable, "\(error)")
        }
        try await withLoopbackServer({ $0.waitForEnd() }) { server in
            let client = HTTPClient(policy: .unrestricted)
            var request = mail(server.port)
            request.timeout = .milliseconds(300)
            let error = await #expect(throws: HTTPError.self) { try await client.deliver(request) }
            #expect(error?.code == .timeout)
        }
    }

    @Test("Without STARTTLS nothing is sent, and a server that knows no login gets no password")
    func noTLS() async throws {
        let (result, log) = try await outcome([:]) {
            $0.security = .startTLS
            $0.credentials = ("ada", "s3cret-password")
        }
        #expect(throws: HTTPError.self) { try result.get() }
        if case .failure(let error) = result { #expect(error.code == .tls && !"\(error)".contains("s3cret")) }
        #expect(log.commands.allSatisfy { $0.hasPrefix("EHLO") || $0 == "QUIT" }, "\(log.commands)")

        let (anonymous, open) = try await outcome([:]) { $0.credentials = ("ada", "s3cret-password") }
        #expect(try anonymous.get().status == 250)
        #expect(open.commands.allSatisfy { !$0.hasPrefix("AUTH") })
    }

    @Test("A denied address gets no socket, by whatever name")
    func deniedAddresses() async throws {
        for host in ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "mail.example.com"] {
            let log = LoopbackMailLog()
            try await withLoopbackServer({ $0.serveMail(log) }) { server in
                let client = HTTPClient(policy: .publicInternet())
                var request = mail(server.port)
                request.host = host
                request.resolutions = ["mail.example.com:\(server.port):127.0.0.1,10.0.0.1"]
                let error = await #expect(throws: HTTPError.self) { try await client.deliver(request) }
                #expect(error?.code == .deniedAddress, "\(host): \(String(describing: error))")
                #expect(server.connections == 0 && client.openedSockets == 0)
            }
        }
    }

    @Test("No line break gets into a command")
    func injection() async throws {
        let changes: [(inout MailRequest) -> Void] = [
            { $0.recipients = ["ada@example.org>\r\nRCPT TO:<evil@example.org"] },
            { $0.sender = "a@b.c\r\nRSET" }, { $0.clientName = "x\r\nMAIL FROM:<a@b.c>" }, { $0.host = "127.0.0.1\n" },
            { $0.credentials = ("a\r\n", "b") }, { $0.recipients = [] },
        ]
        for change in changes {
            guard case (.failure(let error), let log) = try await outcome([:], change) else {
                Issue.record("was sent")
                continue
            }
            #expect(error.code == .invalidRequest && log.commands.isEmpty)
        }
    }

    @Test("A mail of a megabyte arrives whole")
    func largeMail() async throws {
        let body = String(repeating: String(repeating: "x", count: 74) + "\r\n", count: 14_000)
        let (result, log) = try await outcome([:]) { $0.message = Array("Subject: s\r\n\r\n\(body)".utf8) }
        #expect(try result.get().status == 250)
        #expect(log.messages.first?.utf8.count == "Subject: s\r\n\r\n\(body)".utf8.count - 2)
    }

    @Test("Web pages are not mailed to, and mail servers are not asked for pages")
    func schemes() async throws {
        let error = await #expect(throws: HTTPError.self) {
            try await HTTPClient(policy: .unrestricted).send(HTTPRequest("GET", "smtp://127.0.0.1:25/x"))
        }
        #expect(error?.code == .invalidRequest)
    }
}
