import Outbound
import Testing

@Suite("Standard Webhooks signatures")
struct StandardWebhooksTests {
    private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    @Test("The specification's vector is met")
    func vectorIsMet() {
        let signature = StandardWebhooks.signature(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1_614_265_330, body: Array(#"{"test": 2432232314}"#.utf8),
            secret: Self.secret)
        #expect(signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test("Id, timestamp, body and secret each change the signature")
    func everyPartCounts() {
        let other = "whsec_AfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        let signatures = [
            StandardWebhooks.signature(id: "a", timestamp: 1, body: [1], secret: Self.secret),
            StandardWebhooks.signature(id: "b", timestamp: 1, body: [1], secret: Self.secret),
            StandardWebhooks.signature(id: "a", timestamp: 2, body: [1], secret: Self.secret),
            StandardWebhooks.signature(id: "a", timestamp: 1, body: [], secret: Self.secret),
            StandardWebhooks.signature(id: "a", timestamp: 1, body: [1], secret: other),
        ]
        #expect(Set(signatures.compactMap(\.self)).count == signatures.count)
    }

    @Test(
        "What is no secret signs nothing", arguments: ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!!"])
    func otherSecretsSignNothing(_ secret: String) {
        #expect(StandardWebhooks.signature(id: "a", timestamp: 1, body: [], secret: secret) == nil)
    }
}
