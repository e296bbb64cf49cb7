import NIOCore
import NIOEmbedded
import Testing

@testable import GatewayProcess

@Suite("Streams that come too late")
struct LateStreamsTests {
    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    private struct Frame {
        let type: UInt8
        let stream: UInt32
        let length: Int

        var bytes: [UInt8] {
            let header = [UInt8(length >> 16), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF), type, 0]
            let id = (0..<4).map { UInt8(truncatingIfNeeded: stream >> (24 - 8 * $0)) }
            return header + id + [UInt8](repeating: type, count: length)
        }

        static func random(_ generator: inout some RandomNumberGenerator) -> Frame {
            let lengths = [0, 0, 1, 8, 9, 10, 300, 70_000]
            return Frame(
                type: UInt8.random(in: 0...9, using: &generator), stream: UInt32.random(in: 0...20, using: &generator),
                length: lengths.randomElement(using: &generator) ?? 0)
        }
    }

    /// Sends the bytes in random pieces, and gives what comes through and what is given back.
    private static func pass(
        _ bytes: [UInt8], through handler: LateStreams, in channel: EmbeddedChannel,
        _ generator: inout some RandomNumberGenerator
    ) throws -> (passed: [UInt8], credit: Int) {
        var left = bytes[...]
        while !left.isEmpty {
            let piece = left.prefix(Int.random(in: 1...[1, 5, 40, 100_000].randomElement(using: &generator)!))
            left = left.dropFirst(piece.count)
            try channel.writeInbound(ByteBuffer(bytes: piece))
        }
        var passed: [UInt8] = []
        while let part = try channel.readInbound(as: ByteBuffer.self) { passed += Array(part.readableBytesView) }
        var credit = 0
        while var update = try channel.readOutbound(as: ByteBuffer.self) {
            // WINDOW_UPDATE of 4 bytes for the connection.
            #expect(Array(update.readBytes(length: 9) ?? []) == [0, 0, 4, 8, 0, 0, 0, 0, 0])
            credit += Int(update.readInteger(as: UInt32.self) ?? 0)
        }
        return (passed, credit)
    }

    @Test func `what is not late passes byte for byte, and of what is late the heads alone`() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<100 {
            let handler = LateStreams()
            let channel = EmbeddedChannel(handler: handler)
            let early = (0..<20).map { _ in Frame.random(&generator) }
            let before = Self.preface + early.flatMap(\.bytes)
            let first = try Self.pass(before, through: handler, in: channel, &generator)
            #expect(first.passed == before && first.credit == 0)

            handler.last = 10
            let late = (0..<20).map { _ in Frame.random(&generator) }
            let second = try Self.pass(late.flatMap(\.bytes), through: handler, in: channel, &generator)
            let kept = late.filter { $0.stream <= 10 || $0.type == 1 || $0.type == 9 }
            #expect(second.passed == kept.flatMap(\.bytes))
            let dropped = late.filter { $0.stream > 10 && $0.type == 0 }
            #expect(second.credit == dropped.reduce(0) { $0 + $1.length })
            _ = try channel.finish()
        }
    }

    @Test func `a frame that had begun goes on`() throws {
        var generator = SystemRandomNumberGenerator()
        let handler = LateStreams()
        let channel = EmbeddedChannel(handler: handler)
        let frame = Frame(type: 0, stream: 9, length: 100)
        let begun = Self.preface + frame.bytes.prefix(50)
        #expect(try Self.pass(begun, through: handler, in: channel, &generator).passed == begun)
        handler.last = 3
        let rest = Array(frame.bytes.dropFirst(50))
        #expect(try Self.pass(rest + frame.bytes, through: handler, in: channel, &generator).passed == rest)
        _ = try channel.finish()
    }
}
