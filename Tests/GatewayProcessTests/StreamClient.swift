import JSONTree
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

/// Reads a stream block by block, as slowly as a test likes: what nobody asks for stays with the sender.
struct StreamClient {
    private var iterator: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator
    private var text = ""
    private(set) var status = 0
    private(set) var headers = HTTPHeaders()

    /// One block, up to its empty line: fields, or a comment.
    struct Block {
        let lines: [String]

        func field(_ name: String) -> String? {
            lines.first { $0.hasPrefix("\(name): ") }.map { String($0.dropFirst(name.count + 2)) }
        }

        var data: JSONValue? { field("data").flatMap { try? JSONDocument($0).root } }
    }

    /// Opens a stream, reads its head, and closes the connection after the body.
    static func withStream<R: Sendable>(
        _ api: HTTPExchange, _ query: String = "", path: String = "/api/v1/events/stream",
        headers: [(String, String)] = [], _ body: (inout StreamClient) async throws -> R
    ) async throws -> R {
        let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: api.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(
                        wrappingChannelSynchronously: channel)
                }
            }
        return try await client.executeThenClose { inbound, outbound in
            var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: path + query)
            head.headers.add(name: "host", value: "localhost")
            if let key = api.key { head.headers.add(name: "authorization", value: "Bearer \(key)") }
            for (name, value) in headers { head.headers.add(name: name, value: value) }
            try await outbound.write(.head(head))
            try await outbound.write(.end(nil))
            var stream = StreamClient(iterator: inbound.makeAsyncIterator())
            guard case .head(let answer) = try await stream.iterator.next(isolation: #isolation) else {
                throw NoAnswer()
            }
            stream.status = Int(answer.status.code)
            stream.headers = answer.headers
            return try await body(&stream)
        }
    }

    struct NoAnswer: Error {}

    private init(iterator: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator) {
        self.iterator = iterator
    }

    /// The next block; nil at the end of the stream.
    mutating func block() async throws -> Block? {
        while true {
            if let end = text.firstRange(of: "\n\n") {
                defer { text = String(text[end.upperBound...]) }
                return Block(lines: text[..<end.lowerBound].split(separator: "\n").map(String.init))
            }
            guard try await readOn() else { return nil }
        }
    }

    /// The next block that is an event.
    mutating func event() async throws -> Block? {
        while let block = try await block() {
            if block.field("data") != nil { return block }
        }
        return nil
    }

    /// Reads until the text occurs that is not the end of a block.
    mutating func expect(_ wanted: String) async throws -> Bool {
        while !text.contains(wanted) {
            guard try await readOn() else { return false }
        }
        return true
    }

    /// The numbers `n` in the data of so many events.
    mutating func numbers(_ count: Int) async throws -> [Int64] {
        var numbers: [Int64] = []
        while numbers.count < count, let event = try await event() {
            numbers.append(event.data?["data"]?["n"]?.int64 ?? -1)
        }
        return numbers
    }

    /// Checks that the next events have these numbers.
    mutating func expectNumbers(_ wanted: [Int64], sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let found = try await numbers(wanted.count)
        #expect(found == wanted, sourceLocation: sourceLocation)
    }

    private mutating func readOn() async throws -> Bool {
        while let part = try await iterator.next(isolation: #isolation) {
            guard case .body(let bytes) = part else { continue }
            text += String(decoding: bytes.readableBytesView, as: UTF8.self)
            return true
        }
        return false
    }
}
