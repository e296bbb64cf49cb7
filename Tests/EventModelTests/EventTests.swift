import EventModel
import JSONTree
import Testing

struct EventTests {
    static func event(
        subject: String? = "order-7", producerID: String? = "p-1", data: String = #"{"amount": 12.50}"#,
        time: Timestamp = Timestamp(milliseconds: 1_772_357_400_250)
    ) -> Event {
        Event(
            id: UniqueID(high: 0x017F_22E2_79B0_7CC3, low: 0x98C4_DC0C_0C07_398F),
            organizationID: UniqueID(high: 1, low: 2), part: 5, position: 42, type: "PaymentProcessed", source: "shop",
            subject: subject, time: time,
            receivedAt: Timestamp(microseconds: 1_772_357_400_300_001), producerID: producerID,
            traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", data: Array(data.utf8))
    }

    private func written(_ event: Event) -> String {
        var writer = JSONWriter()
        event.write(to: &writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test("A stored event is written as the contract shows it")
    func write() throws {
        let expected =
            #"{"id":"017f22e2-79b0-7cc3-98c4-dc0c0c07398f","type":"PaymentProcessed","source":"shop","#
            + #""subject":"order-7","time":"2026-03-01T09:30:00.250Z","received_at":"2026-03-01T09:30:00.300001Z","#
            + #""data":{"amount": 12.50},"producer_id":"p-1"}"#
        #expect(written(Self.event()) == expected)
    }

    @Test("What a stored event lacks is null")
    func writeNulls() throws {
        let value = try JSONDocument(written(Self.event(subject: nil, producerID: nil))).root
        #expect(value["subject"]?.isNull == true)
        #expect(value["producer_id"]?.isNull == true)
    }

    @Test(
        "FNV-1a gives the published values",
        arguments: [
            ("", 0xCBF2_9CE4_8422_2325), ("a", 0xAF63_DC4C_8601_EC8C), ("foobar", 0x8594_4171_F739_67E8),
        ] as [(String, UInt64)])
    func fnv(_ text: String, _ hash: UInt64) {
        #expect(FNV1a.hash64(text.utf8) == hash)
    }

    @Test("The part of an organization never changes, and organizations spread over all parts")
    func parts() {
        #expect(LogPart.part(of: UniqueID(high: 0, low: 0)) == 37)
        #expect(LogPart.part(of: UniqueID(high: 0x017F_22E2_79B0_7CC3, low: 0x98C4_DC0C_0C07_398F)) == 52)
        var random = SeededGenerator(seed: 6)
        let parts = (0..<2000).map { _ in LogPart.part(of: UniqueID(high: random.next(), low: random.next())) }
        #expect(Set(parts) == Set(0..<LogPart.count))
    }
}
