import EventModel
import Testing

@Suite("Server-sent events")
struct ServerSentEventsTests {
    private static let text = """
        retry: 2000
        id: 1

        : comment
        id: 2
        data: {"a":1}

        event: error
        data: one
        data:two


        """
    private static let events: [ServerSentEvents.Event] = [
        .init(name: "message", data: #"{"a":1}"#), .init(name: "error", data: "one\ntwo"),
    ]

    @Test(arguments: ["\n", "\r\n", "\r"], [1, 2, 3, 1_000])
    func `events are read however lines end and pieces are cut`(lineEnd: String, size: Int) {
        let bytes = Array(
            Self.text.split(separator: "\n", omittingEmptySubsequences: false)
                .joined(separator: lineEnd).utf8)
        var reader = ServerSentEvents()
        var events: [ServerSentEvents.Event] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            events += reader.take(bytes[start..<min(start + size, bytes.count)])
        }
        #expect(events == Self.events)
        #expect(reader.lastID == "2")
    }

    @Test func `an id counts once its block is whole, with data or without`() {
        var reader = ServerSentEvents()
        #expect(reader.take("id: 7\n".utf8).isEmpty)
        #expect(reader.lastID == nil)
        #expect(reader.take("\n".utf8).isEmpty)
        #expect(reader.lastID == "7")
        #expect(reader.take("id: 8\ndata: half".utf8).isEmpty)
        #expect(reader.lastID == "7")
    }
}
