import EventModel
import Logging
import Testing

@testable import Runtime

@Suite("Log lines")
struct LoggingTests {
    private let time = Timestamp(microseconds: 1_700_000_000_000_000)

    @Test func `a text line has time, level, label, message and sorted fields`() {
        var handler = StandardErrorLogHandler(label: "store", service: "api-gateway", format: .text, level: .info)
        handler.metadata = ["b": "two words"]
        let event = LogEvent(
            level: .warning, message: "log.full", metadata: ["a": "1"], source: "t", file: "f", function: "g", line: 1)
        let line = String(decoding: handler.line(event, at: time), as: UTF8.self)
        #expect(line == "\(time) warning store: log.full a=1 b=\"two words\"\n")
    }

    @Test(arguments: LogFormat.allCases)
    func `a value with line breaks can't forge a line`(format: LogFormat) {
        let handler = StandardErrorLogHandler(label: "x", service: "s", format: format, level: .info)
        let event = LogEvent(
            level: .info, message: "m", metadata: ["path": "/a\nerror forged\r\u{1B}[31m"], source: "t", file: "f",
            function: "g", line: 1)
        let bytes = handler.line(event, at: time)
        #expect(bytes.count { $0 < 0x20 } == 1 && bytes.last == UInt8(ascii: "\n"))
    }
}
