import ActionModel
import Crypto
import EventModel
import FoundationEssentials

/// Signs as the Standard Webhooks specification says (version 1, HMAC-SHA256 over `id.timestamp.body`).
///
/// A receiver checks the signature, refuses old timestamps, and drops an id that it has seen.
public enum StandardWebhooks {
    /// The value of `webhook-signature`; nil when the secret is no `whsec_…` (see `SigningSecret`).
    ///
    /// - Parameters:
    ///   - id: the same for every attempt of a delivery.
    ///   - timestamp: the attempt's time, in whole seconds since 1970.
    public static func signature(id: String, timestamp: Int64, body: [UInt8], secret: String) -> String? {
        guard let key = SigningSecret.key(of: secret) else { return nil }
        var code = HMAC<SHA256>(key: SymmetricKey(data: key))
        code.update(data: SigningSecret.signedPrefix(id: id, timestamp: String(timestamp)))
        code.update(data: body)
        return "v1,\(Data(code.finalize()).base64EncodedString())"
    }

    /// The headers of an attempt; without a secret all but the signature.
    static func headers(
        id: String, at time: Timestamp, body: [UInt8], secret: String?
    ) -> [(name: String, value: String)] {
        let seconds = time.microseconds / 1_000_000
        var headers = [("webhook-id", id), ("webhook-timestamp", String(seconds))]
        if let signature = secret.flatMap({ signature(id: id, timestamp: seconds, body: body, secret: $0) }) {
            headers.append(("webhook-signature", signature))
        }
        return headers
    }
}
