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

    @Test("Bytes that are not UTF-8 stay as they are around it")
    func bytesAreKept() {
        #expect(redact([0xFF] + Array("AbC-dEf_9".utf8) + [0xFE]) == [0xFF] + Array("••••".utf8) + [0xFE])
        #expect(Redaction.none([1, 2, 3]) == [1, 2, 3])
    }
}
