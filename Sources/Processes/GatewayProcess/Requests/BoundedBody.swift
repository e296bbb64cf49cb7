import HTTPTypes
import Hummingbird
import NIOCore

/// How much of a body is read.
struct BodyLimit {
    /// Bytes of one JSON value that is no array.
    let single: Int
    /// Bytes of an array.
    let batch: Int

    /// Events: one, or an array of them.
    static let events = BodyLimit(single: 1 << 20, batch: 16 << 20)
    /// Everything else.
    static let single = BodyLimit(single: 1 << 20, batch: 1 << 20)
}

extension Request {
    /// Longest time that a body may take from its first byte to its last.
    private static let bodyTimeout = TimeAmount.seconds(60)

    /// Reads the whole body, never holding more than the limit that fits its first character.
    ///
    /// - Throws: ``Problem`` `body-too-large` as soon as the declared or the counted length is over the limit.
    func readBody(_ limit: BodyLimit, context: GatewayContext) async throws -> [UInt8] {
        let declared = headers[.contentLength].flatMap { Int($0) } ?? 0
        guard declared <= limit.batch else { throw tooLarge(limit.batch) }

        let channel = context.channel
        let deadline = channel.eventLoop.scheduleTask(in: Self.bodyTimeout) { channel.close(promise: nil) }
        defer { deadline.cancel() }

        var bytes: [UInt8] = []
        var allowed: Int?
        for try await part in body {
            if allowed == nil, let first = part.readableBytesView.first(where: { !Self.isSpace($0) }) {
                allowed = first == UInt8(ascii: "[") ? limit.batch : limit.single
                guard declared <= allowed ?? 0 else { throw tooLarge(allowed ?? 0) }
                bytes.reserveCapacity(declared)
            }
            // Blanks before the first character count as what they most likely precede.
            let bound = allowed ?? limit.single
            guard bytes.count + part.readableBytes <= bound else { throw tooLarge(bound) }
            bytes.append(contentsOf: part.readableBytesView)
        }
        context.body.finish()
        return bytes
    }

    /// Whether a body follows the head.
    var hasBody: Bool {
        headers[.transferEncoding] != nil || (headers[.contentLength].map { $0 != "0" } ?? false)
    }

    private func tooLarge(_ limit: Int) -> Problem {
        Problem(.bodyTooLarge, "the body is over \(limit) bytes", members: [("limit", .number(limit))])
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte)
    }
}

extension Request {
    /// Checks that the body is declared as JSON, or as nothing.
    ///
    /// Other media types are refused rather than tried, because an event in another format could be taken for
    /// something it is not.
    func requireJSON(suffixes: Bool = false) throws {
        guard let value = headers[.contentType] else { return }
        let parts = value.split(separator: ";").map { $0.trimmingPrefix { $0 == " " } }
        let media = (parts.first ?? "").lowercased().replacing(" ", with: "")
        let isJSONDialect = suffixes && media.hasPrefix("application/") && media.hasSuffix("+json")
        guard media == "application/json" || isJSONDialect else {
            throw Problem(
                .unsupportedMediaType, "the body is declared as \(media); send application/json",
                headers: [.accept: "application/json"])
        }
        let charset = parts.dropFirst().first { $0.lowercased().hasPrefix("charset=") }?.dropFirst("charset=".count)
        guard let charset, charset.lowercased().replacing("\"", with: "") != "utf-8" else { return }
        throw Problem(.unsupportedMediaType, "the charset is \(charset); JSON is UTF-8")
    }
}
