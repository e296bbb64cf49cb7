import Compression
import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// How much of a body is read, in bytes; of a packed one, before and after unpacking.
struct BodyLimit {
    /// Of one JSON value that is no array.
    let single: Int
    /// Of many events.
    let batch: Int

    /// Events: one, or many.
    static let events = BodyLimit(single: 1 << 20, batch: 16 << 20)
    /// Everything else.
    static let single = BodyLimit(single: 1 << 20, batch: 1 << 20)
}

/// Tells requests how long their bodies may take.
struct BodyDeadline: RouterMiddleware {
    let timeout: TimeAmount

    func handle(
        _ request: Request, context: GatewayContext,
        next: @concurrent (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        context.bodyTimeout = timeout
        return try await next(request, context)
    }
}

extension Request {
    /// Reads the whole body, never holding more than the limit that fits its first character.
    ///
    /// - Throws: ``Problem`` `body-too-large` as soon as the declared or the counted length is over the limit.
    func readBody(_ limit: BodyLimit, context: GatewayContext) async throws -> [UInt8] {
        let declared = declaredLength
        var bytes: [UInt8] = []
        var allowed: Int?
        try await readPieces(upTo: limit.batch, context: context) { piece in
            if allowed == nil, let first = piece.first(where: { !Self.isSpace($0) }) {
                allowed = first == UInt8(ascii: "[") ? limit.batch : limit.single
                guard declared <= allowed ?? 0 else { throw Problem.bodyTooLarge(allowed ?? 0) }
                bytes.reserveCapacity(declared)
            }
            // Blanks before the first character count as what they most likely precede.
            let bound = allowed ?? limit.single
            guard bytes.count + piece.count <= bound else { throw Problem.bodyTooLarge(bound) }
            bytes.append(contentsOf: piece)
        }
        return bytes
    }

    /// Gives the body piece by piece as it comes in, unpacked where it is packed; the next is not read from the
    /// connection before one has been taken.
    ///
    /// - Parameter limit: most bytes, packed and unpacked.
    func readPieces(
        upTo limit: Int, context: GatewayContext, _ take: (ArraySlice<UInt8>) async throws -> Void
    ) async throws {
        let inflater = try isPacked() ? GzipInflater() : nil
        guard declaredLength <= limit else { throw Problem.bodyTooLarge(limit) }

        let channel = context.channel
        if asksFirst { channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue)), promise: nil) }
        let deadline = channel.eventLoop.scheduleTask(in: context.bodyTimeout) { channel.close(promise: nil) }
        defer { deadline.cancel() }

        var counted = (packed: 0, unpacked: 0)
        var parts = body.makeAsyncIterator()
        while true {
            let next: ByteBuffer?
            do {
                next = try await parts.next()
            } catch let error as HTTPParserError {
                throw error
            } catch {
                // Nobody may read the answer; but a client's half body is no error of ours.
                throw Problem.bodyBrokeOff
            }
            guard let part = next else { break }
            counted.packed += part.readableBytes
            guard counted.packed <= limit else { throw Problem.bodyTooLarge(limit) }
            guard let inflater else {
                try await take(Array(part.readableBytesView)[...])
                continue
            }
            inflater.feed(Array(part.readableBytesView))
            while let piece = try inflater.next() {
                counted.unpacked += piece.count
                guard counted.unpacked <= limit else { throw Problem.bodyTooLarge(limit) }
                try await take(piece)
            }
        }
        // A connection that ends can look like a body that does.
        guard headers[.contentLength] == nil || counted.packed == declaredLength else { throw Problem.bodyBrokeOff }
        try inflater?.finish()
        context.body.finish()
    }

    /// Whether a body follows the head.
    var hasBody: Bool {
        headers[.transferEncoding] != nil || (headers[.contentLength].map { $0 != "0" } ?? false)
    }

    /// Whether the client waits for a word before it sends the body (RFC 9110 §10.1.1), as curl does with large ones.
    /// A body that is refused by its head is never asked for.
    private var asksFirst: Bool { headers[.expect]?.lowercased() == "100-continue" }

    private var declaredLength: Int { headers[.contentLength].flatMap { Int($0) } ?? 0 }

    private func isPacked() throws -> Bool {
        switch headers[.contentEncoding]?.lowercased() {
        case nil, "identity": return false
        case "gzip", "x-gzip": return true
        case let encoding?:
            throw Problem(
                .unsupportedMediaType, "the body is encoded as \(encoding); send it as it is or as gzip",
                headers: [.acceptEncoding: "gzip, identity"])
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte)
    }
}

extension Problem {
    static var bodyBrokeOff: Problem {
        Problem(.malformedRequest, "the connection ended before the body did")
    }

    static func bodyTooLarge(_ limit: Int) -> Problem {
        Problem(.bodyTooLarge, "the body is over \(limit) bytes", members: [("limit", .number(limit))])
    }

    init(_ error: GzipError) {
        let detail =
            switch error {
            case .damaged: "the body is declared as gzip and is not, or is damaged"
            case .truncated: "the body is gzip that ends too early"
            }
        self.init(.malformedRequest, detail)
    }
}
