import Testing

@testable import Outbound

@Suite("Secrets are taken out of what is kept")
struct RedactionTests {
    private let redact = Redaction.telegram("123456:AbC-dEf_9")

    @Test("The secret half of a token goes, wherever and however often it stands")
    func tokensAreHidden() {
        #expect(
            redact("https://t.example/bot123456:AbC-dEf_9/sendMessage")
                == "https://t.example/bot123456:••••/sendMessage")
        #expect(redact("AbC-dEf_9AbC-dEf_9 x AbC-dEf_9") == "•••••••• x ••••")
        #expect(redact("AbC-dEf_") == "AbC-dEf_")
        #expect(redact("AbC-AbC-dEf_9") == "AbC-••••")
        #expect(redact("") == "")
    }

    @Test("A secret that comes back as JSON or as part of a URL writes it goes too")
    func spellings() {
        let redact = Redaction(secrets: ["ab+/cd\"e==", "plain-secret"])
        for text in [
            "ab+/cd\"e==", #"ab+/cd\"e=="#, #"ab+\/cd\"e=="#, "ab%2B%2Fcd%22e%3D%3D", "ab%2b%2fcd%22e%3d%3d",
            "plain-secret",
        ] {
            #expect(redact.ofAnswer(Array("<\(text)>".utf8)) == Array("<••••>".utf8), "\(text)")
        }
        #expect(redact.ofAnswer(Array("ok".utf8)) == Array("ok".utf8))
    }

    @Test("Bytes that are not UTF-8 stay as they are around it")
    func bytesAreKept() {
        #expect(redact([0xFF] + Array("AbC-dEf_9".utf8) + [0xFE]) == [0xFF] + Array("••••".utf8) + [0xFE])
        #expect(Redaction.none([1, 2, 3]) == [1, 2, 3])
    }
}
