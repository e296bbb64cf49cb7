import JSONTree
import NIOCore
import NIOPosix

/// A small HTTP client over a plain socket, so that tests can send what a well-behaved client would not.
struct HTTPExchange: Sendable {
    let port: Int
    var key: String?

    struct Answer: Sendable {
        let status: Int
        let headers: [String: String]
        let body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
        var json: JSONValue {
            get throws { try JSONDocument(body).root }
        }
    }

    /// One request on a connection of its own.
    func send(
        _ method: String, _ path: String, _ body: String? = nil, headers: [(String, String)] = []
    ) async throws -> Answer {
        var head = "\(method) \(path) HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        if let key { head += "authorization: Bearer \(key)\r\n" }
        if body != nil, !headers.contains(where: { $0.0 == "content-type" }) {
            head += "content-type: application/json\r\n"
        }
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if let body { head += "content-length: \(body.utf8.count)\r\n" }
        return try await raw(head + "\r\n" + (body ?? ""))
    }

    /// Sends the text as it is and reads until the server closes.
    func raw(_ request: String) async throws -> Answer {
        let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await client.executeThenClose { inbound, outbound in
            // A server that has answered may close while the rest is still being sent.
            try? await outbound.write(ByteBuffer(string: request))
            var bytes: [UInt8] = []
            for try await part in inbound { bytes.append(contentsOf: part.readableBytesView) }
            return try Self.parse(bytes)
        }
    }

    struct Unparsable: Error {
        let text: String
    }

    static func parse(_ bytes: [UInt8]) throws -> Answer {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.firstRange(of: "\r\n\r\n") else { throw Unparsable(text: text) }
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw Unparsable(text: text)
        }
        let fields = lines.dropFirst().map { line in
            let halves = line.split(separator: ":", maxSplits: 1)
            return (halves[0].lowercased(), halves[1].drop { $0 == " " })
        }
        let headers = Dictionary(fields.map { ($0, String($1)) }) { first, _ in first }
        let body = Array(text[end.upperBound...].utf8)
        return Answer(status: status, headers: headers, body: body)
    }
}
