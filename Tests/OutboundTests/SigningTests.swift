import ActionModel
import Crypto
import Foundation
import Outbound
import Testing

@Suite("Signatures of version 1a, and several at a time")
struct SigningTests {
    /// The key of RFC 8032 §7.1, test 1, as a secret.
    private static let seed: [UInt8] = [
        0x9D, 0x61, 0xB1, 0x9D, 0xEF, 0xFD, 0x5A, 0x60, 0xBA, 0x84, 0x4A, 0xF4, 0x92, 0xEC, 0x2C, 0xC4, 0x44, 0x49,
        0xC5, 0x69, 0x7B, 0x32, 0x69, 0x19, 0x70, 0x3B, 0xAC, 0x03, 0x1C, 0xAE, 0x7F, 0x60,
    ]
    private static let secret = "whsk_" + Data(seed).base64EncodedString()

    @Test("What is signed with a private key is verified with its public key, and nothing else is")
    func asymmetric() throws {
        let body = Array(#"{"a":1}"#.utf8)
        let text = try #require(StandardWebhooks.signature(id: "msg_1", timestamp: 7, body: body, secret: Self.secret))
        #expect(text.hasPrefix("v1a,"))
        let signature = try #require(Data(base64Encoded: String(text.dropFirst(4))))
        let key = try Curve25519.Signing.PrivateKey(rawRepresentation: Self.seed).publicKey
        #expect(key.isValidSignature(signature, for: Array("msg_1.7.".utf8) + body))
        #expect(!key.isValidSignature(signature, for: Array("msg_1.8.".utf8) + body))
    }

    @Test("A private key with its public half signs the same")
    func wholeKeys() throws {
        let key = try Curve25519.Signing.PrivateKey(rawRepresentation: Self.seed).publicKey
        let whole = "whsk_" + (Data(Self.seed) + key.rawRepresentation).base64EncodedString()
        let text = try #require(StandardWebhooks.signature(id: "a", timestamp: 1, body: [1, 2], secret: whole))
        let signature = try #require(Data(base64Encoded: String(text.dropFirst(4))))
        #expect(key.isValidSignature(signature, for: Array("a.1.".utf8) + [1, 2]))
    }
}
