import Foundation
import HTTPWire
import Testing

@Suite("Whose certificates are trusted")
struct TrustTests {
    @Test("A certificate is accepted when its issuer is trusted and its name is the host's, and not otherwise")
    func certificatesAreChecked() async throws {
        try await withTLSServer { port, certificate in
            var settings = HTTPClient.Settings()
            settings.certificateBundle = certificate
            let trusting = HTTPClient(policy: .unrestricted, settings: settings)
            let response = try await trusting.send(HTTPRequest("GET", "https://localhost:\(port)/"))
            #expect(response.status == 200)

            let otherName = await #expect(throws: HTTPError.self) {
                try await trusting.send(HTTPRequest("GET", "https://127.0.0.1:\(port)/"))
            }
            #expect(otherName?.code == .tls)

            let doubting = HTTPClient(policy: .unrestricted)
            let unknownIssuer = await #expect(throws: HTTPError.self) {
                try await doubting.send(HTTPRequest("GET", "https://localhost:\(port)/"))
            }
            #expect(unknownIssuer?.code == .tls)
        }
    }

    @Test("A request brings its own authorities, and its connection is no way in for one without them")
    func requestsBringAuthorities() async throws {
        try await withTLSServer { port, certificate in
            let client = HTTPClient(policy: .unrestricted)
            var request = HTTPRequest("GET", "https://localhost:\(port)/")
            request.tls = HTTPRequest.TLS(authorities: try String(contentsOfFile: certificate, encoding: .utf8))
            for _ in 0..<2 {
                let response = try await client.send(request)
                #expect(response.status == 200 && response.trace.total > 0)
            }
            var plain = request
            plain.tls = nil
            let untrusted = await #expect(throws: HTTPError.self) { try await client.send(plain) }
            #expect(untrusted?.code == .tls)
            var broken = request
            broken.tls = HTTPRequest.TLS(
                authorities: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
            let unreadable = await #expect(throws: HTTPError.self) { try await client.send(broken) }
            #expect(unreadable?.code == .tls)
        }
    }

    @Test("A least version that the server does not speak is refused")
    func versionsAreDemanded() async throws {
        try await withTLSServer(options: ["-no_tls1_3"]) { port, certificate in
            let client = HTTPClient(policy: .unrestricted)
            var request = HTTPRequest("GET", "https://localhost:\(port)/")
            let authorities = try String(contentsOfFile: certificate, encoding: .utf8)
            request.tls = HTTPRequest.TLS(authorities: authorities)
            let response = try await client.send(request)
            #expect(response.status == 200 && response.trace.handshake != nil)
            request.tls = HTTPRequest.TLS(authorities: authorities, requiresTLS13: true)
            let refused = await #expect(throws: HTTPError.self) { try await client.send(request) }
            #expect(refused?.code == .tls)
        }
        let old = ["-no_tls1_3", "-no_tls1_2", "-cipher", "ALL:@SECLEVEL=0"]
        try await withTLSServer(options: old) { port, certificate in
            var request = HTTPRequest("GET", "https://localhost:\(port)/")
            request.tls = HTTPRequest.TLS(authorities: try String(contentsOfFile: certificate, encoding: .utf8))
            let old = await #expect(throws: HTTPError.self) {
                try await HTTPClient(policy: .unrestricted).send(request)
            }
            #expect(old?.code == .tls)
        }
    }

    @Test("A server that wants a certificate gets the request's, and one without it is turned away")
    func identitiesAreShown() async throws {
        try await withTLSServer(options: ["-Verify", "1", "-verify_return_error"], isOwnAuthority: true) {
            port, certificate in
            let client = HTTPClient(policy: .unrestricted)
            let pem = try String(contentsOfFile: certificate, encoding: .utf8)
            let key = try String(
                contentsOfFile: certificate.replacing("certificate.pem", with: "key.pem"), encoding: .utf8)
            var request = HTTPRequest("GET", "https://localhost:\(port)/")
            request.tls = HTTPRequest.TLS(authorities: pem, identity: .init(certificate: pem, key: key))
            let response = try await client.send(request)
            #expect(response.status == 200)
            request.tls?.identity = nil
            let stranger = await #expect(throws: HTTPError.self) { try await client.send(request) }
            #expect(stranger != nil)
        }
    }

    /// Lends a TLS server with a fresh certificate for `localhost`, which it has signed itself.
    private func withTLSServer(
        options: [String] = [], isOwnAuthority: Bool = false,
        _ body: (_ port: Int, _ certificate: String) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let key = folder.appending(path: "key.pem").path()
        let certificate = folder.appending(path: "certificate.pem").path()
        let maker = try openSSL([
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate,
        ]).process
        maker.waitUntilExit()
        try #require(maker.terminationStatus == 0)
        let authority = isOwnAuthority ? ["-CAfile", certificate] : []
        let server = try openSSL(
            ["s_server", "-accept", "127.0.0.1:0", "-www", "-cert", certificate, "-key", key] + authority + options)
        defer {
            // It inherited the signal mask of one of our threads, which may block every signal that can be blocked.
            kill(server.process.processIdentifier, SIGKILL)
            server.process.waitUntilExit()
        }
        try await body(try readPort(server.output), certificate)
    }

    private func openSSL(_ arguments: [String]) throws -> (process: Process, output: FileHandle) {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        return (process, output.fileHandleForReading)
    }

    /// `ACCEPT 127.0.0.1:41234`, said once the server listens.
    private func readPort(_ output: FileHandle) throws -> Int {
        var text = ""
        while !text.contains(/ACCEPT .*:[0-9]+\n/) {
            let piece = output.availableData
            try #require(!piece.isEmpty, "the TLS server ended: \(text)")
            text += String(decoding: piece, as: UTF8.self)
        }
        return try #require(text.firstMatch(of: /ACCEPT .*:([0-9]+)\n/).flatMap { Int($0.1) })
    }
}
