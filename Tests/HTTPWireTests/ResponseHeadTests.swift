import Testing

@testable import HTTPWire

@Suite("The head of a response")
struct ResponseHeadTests {
    /// Reads lines, and says of each whether it was taken.
    private func read(_ lines: [String]) -> (head: ResponseHead, taken: [Bool]) {
        var head = ResponseHead()
        let taken = lines.map { head.receive(Array($0.utf8)) }
        return (head, taken)
    }

    @Test("Names are in lower case, values are trimmed, and odd lines are dropped")
    func fieldsAreRead() {
        let head = read(["HTTP/1.1 200 OK\r\n", "Content-TYPE:\t a:b \r\n", "no colon\r\n", "empty:\r\n", "\r\n"]).head
        #expect(head.fields.map { "\($0.name)=\($0.value)" } == ["content-type=a:b", "empty="])
    }

    @Test("A new status line forgets the headers of the interim response before it, and no bytes")
    func interimHeadersAreForgotten() {
        let lines = ["HTTP/1.1 100 Continue\r\n", "a: b\r\n", "\r\n", "HTTP/1.1 200 OK\r\n", "c: d\r\n"]
        let head = read(lines).head
        #expect(head.fields.map(\.name) == ["c"])
        #expect(head.byteCount == lines.reduce(0) { $0 + $1.utf8.count })
    }

    @Test("The head is complete with its empty line, and not before")
    func emptyLineEndsTheHead() {
        #expect(!read(["HTTP/1.1 200 OK\r\n", "a: b\r\n"]).head.isComplete)
        #expect(read(["HTTP/1.1 200 OK\r\n", "a: b\r\n", "\r\n"]).head.isComplete)
        #expect(!read(["HTTP/1.1 103 Early Hints\r\n", "\r\n", "HTTP/1.1 200 OK\r\n"]).head.isComplete)
    }

    @Test("The bound is exact")
    func boundIsExact() {
        let full = String(repeating: "a", count: ResponseHead.maximumBytes)
        #expect(read([full, "a"]).taken == [true, false])
    }
}
