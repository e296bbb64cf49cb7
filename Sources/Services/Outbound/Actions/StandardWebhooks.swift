import ActionModel
import Crypto
import EventModel
import FoundationEssentials

/// Signs as the Standard Webhooks specification says: `v1` is HMAC-SHA256 over `id.timestamp.body`, `v1a` is Ed25519
/// over the same.
///
/// A receiver checks one of the signatures, refuses old timestamps, and drops an id that it has seen.
public enum StandardWebhooks {
    /// One signature with its version; nil when the secret is none (see `SigningSecret`).
    ///
    /// - Parameters:
    ///   - id: the same for every attempt of a delivery.
    ///   - timestamp: the attempt's time, in whole seconds since 1970.
    public static func signature(id: String, timestamp: Int64, body: [UInt8], secret: String) -> String? {
        let prefix = SigningSecret.signedPrefix(id: id, timestamp: String(timestamp))
        switch SigningSecret.signingKey(of: secret) {
        case .symmetric(let key):
            var code = HMAC<SHA256>(key: SymmetricKey(data: key))
            code.update(data: prefix)
            code.update(data: body)
            return "v1,\(Data(code.finalize()).base64EncodedString())"
        case .asymmetric(let seed):
            let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed)
            return (try? key?.signature(for: prefix + body)).map { "v1a,\($0.base64EncodedString())" }
        case nil:
            return nil
        }
    }

    /// The headers of an attempt, signed with every secret; without any all but the signature.
    static func headers(
        id: String, at time: Timestamp, body: [UInt8], secrets: [String]
    ) -> [(name: String, value: String)] {
        let seconds = time.microseconds / 1_000_000
        var headers = [("webhook-id", id), ("webhook-timestamp", String(seconds))]
        let signatures = secrets.compactMap { signature(id: id, timestamp: seconds, body: body, secret: $0) }
        if !signatures.isEmpty { headers.append(("webhook-signature", signatures.joined(separator: " "))) }
        return headers
    }
}
