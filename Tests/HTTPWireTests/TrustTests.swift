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

    /// Lends a TLS server with a fresh certificate for `localhost`, which it has signed itself.
    private func withTLSServer(_ body: (_ port: Int, _ certificate: String) async throws -> Void) async throws {
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
        let server = try openSSL(["s_server", "-accept", "127.0.0.1:0", "-www", "-cert", certificate, "-key", key])
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
