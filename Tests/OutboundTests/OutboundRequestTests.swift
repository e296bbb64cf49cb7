import ActionModel
import EventModel
import HTTPWire
import JSONTree
import Testing

@testable import Outbound

@Suite("Requests as they are sent and shown")
struct OutboundRequestTests {
    private func request(_ config: String) throws -> OutboundRequest {
        guard case .rest(let rest) = try makeAction(#"{"type":"rest","config":\#(config)}"#).config else {
            throw JSONValidationError(pointer: "", detail: "not a rest action")
        }
        return OutboundRequest(
            try rest.request(for: try makeFiring()), deliveryID: UniqueID(high: 1, low: 1),
            at: Timestamp(microseconds: 1_772_000_000_000_000))
    }

    @Test("TLS options reach the client, and the key is not shown")
    func tls() throws {
        func pem(_ label: String, _ text: String) -> String {
            "-----BEGIN \(label)-----\n\(text)\n-----END \(label)-----"
        }
        func json(_ text: String) -> String { "\"\(text.replacing("\n", with: "\\n"))\"" }
        let (ca, certificate) = (pem("CERTIFICATE", "CA"), pem("CERTIFICATE", "MINE"))
        let key = pem("EC PRIVATE KEY", "c2VjcmV0")
        let prepared = try request(
            #"""
            {"url": "https://example.com/", "tls": {"ca_pem": \#(json(ca)), "client_certificate": \#(json(certificate)),
             "client_key": \#(json(key)), "min_version": "1.3"}}
            """#)
        #expect(
            prepared.request.tls
                == HTTPRequest.TLS(
                    authorities: ca, identity: .init(certificate: certificate, key: key), requiresTLS13: true))
        #expect(!prepared.excerpt.contains("c2VjcmV0") && prepared.redaction("x \(key) y") == "x •••• y")
        #expect(try request(#"{"url": "https://example.com/"}"#).request.tls == nil)
    }

    @Test(
        "Parameters of a URL that are credentials are not shown, the others are",
        arguments: [
            ("https://a.example/x", "https://a.example/x"),
            ("https://a.example/x?page=2&q=a%20b", "https://a.example/x?page=2&q=a%20b"),
            ("https://a.example/?sig=abcdefgh&x=1", "https://a.example/?sig=••••&x=1"),
            ("https://a.example/?Access_Token=a%2Bb%2Bc%2Bd", "https://a.example/?Access_Token=••••"),
            ("https://a.example/?%74oken=abcdefgh", "https://a.example/?%74oken=••••"),
            ("https://a.example/?token=&token", "https://a.example/?token=&token"),
            ("https://a.example/?a=b=c&code=x=y", "https://a.example/?a=b=c&code=••••"),
        ])
    func urls(_ url: String, _ shown: String) {
        #expect(ShownURL.text(url) == shown)
    }

    @Test("A secret at the end of what is kept of a body is not kept by half")
    func cutSecrets() throws {
        let secret = "hunter2hunter2hunter2"
        let filler = String(repeating: "x", count: OutboundRequest.excerptLimit - 5)
        let prepared = try request(
            #"""
            {"url": "https://example.com/", "headers": {"X-Api-Key": "\#(secret)", "Content-Type": "text/plain"},
             "body": "\#(filler)\#(secret)"}
            """#)
        #expect(String(decoding: prepared.request.body ?? [], as: UTF8.self).hasSuffix(secret))
        #expect(!prepared.excerpt.contains("hunter"))
    }
}
