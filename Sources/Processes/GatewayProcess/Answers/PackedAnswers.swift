import Compression
import HTTPTypes
import Hummingbird
import NIOCore

/// Packs answers by gzip for clients that take it.
///
/// Answers that have a length are packed as a whole; streams go out as they come, because a packed stream holds events
/// back. The answers of the fast intake, which are short, never come here.
struct PackedAnswers: RouterMiddleware {
    typealias Context = GatewayContext

    /// Bytes below which packing costs more than it gains, and above which it would keep a thread for too long.
    private static let lengths = 1_024...(32 << 20)

    func handle(
        _ request: Request, context: GatewayContext,
        next: @concurrent (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        guard let length = response.body.contentLength, Self.lengths.contains(length),
            response.headers[.contentEncoding] == nil, Self.isText(response.headers[.contentType])
        else { return response }
        response.headers.vary(on: "accept-encoding")
        guard Self.takesGzip(request.headers[values: .acceptEncoding]) else { return response }
        let collector = BodyCollector()
        try await response.body.write(collector)
        let packed = collector.bytes.withUnsafeReadableBytes { Gzip.pack($0) }
        response.headers[.contentEncoding] = "gzip"
        response.headers[.contentLength] = nil
        if let tag = response.headers[.eTag] { response.headers[.eTag] = EntityTag.packed(tag) }
        response.body = ResponseBody(byteBuffer: ByteBuffer(bytes: packed))
        return response
    }

    private static func isText(_ type: String?) -> Bool {
        guard let type else { return false }
        return type.hasPrefix("application/json") || type.hasPrefix("application/problem+json")
            || type.hasPrefix("text/html") || type.hasPrefix("text/plain")
    }

    /// Whether a client takes gzip (RFC 9110 §12.5.3); one that says nothing is not asked to.
    static func takesGzip(_ fields: [String]) -> Bool {
        var others: Bool?
        for part in fields.joined(separator: ",").split(separator: ",") {
            let pieces = part.split(separator: ";").map { $0.trimmingBlanks().lowercased() }
            guard let name = pieces.first else { continue }
            let isWanted = !pieces.dropFirst().contains { $0.hasPrefix("q=") && Double($0.dropFirst(2)) == 0 }
            if name == "gzip" || name == "x-gzip" { return isWanted }
            if name == "*" { others = isWanted }
        }
        return others ?? false
    }
}

/// Keeps what is written.
private final class BodyCollector: ResponseBodyWriter {
    private(set) var bytes = ByteBuffer()

    func write(_ buffer: ByteBuffer) async throws { bytes.writeImmutableBuffer(buffer) }
    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}

extension HTTPFields {
    /// Notes that the answer would be another if that header field of the request were.
    mutating func vary(on name: String) {
        self[.vary] = self[.vary].map { "\($0), \(name)" } ?? name
    }
}

extension Substring {
    func trimmingBlanks() -> Substring {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        var text = drop(while: isBlank)
        while let last = text.last, isBlank(last) { text.removeLast() }
        return text
    }
}
