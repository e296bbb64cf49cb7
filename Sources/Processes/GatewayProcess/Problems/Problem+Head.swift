import HTTPTypes
import JSONTree
import NIOCore
import NIOHTTP1

extension Problem {
    /// A request that can't be read as HTTP/1.1, or whose head is over our limits.
    init(reading error: HTTPParserError) {
        self =
            error == .headerOverflow
            ? .headTooLarge : Problem(.malformedRequest, "the request can't be read as HTTP/1.1")
    }

    static let hostMissing = Problem(.malformedRequest, "a request over HTTP/1.1 has one Host field")

    static let headTooLarge = Problem(
        .headTooLarge,
        "the head has more than \(GatewayChannel.maximumHeadBytes) bytes, or more than "
            + "\(GatewayChannel.maximumHeadFields) fields")

    /// A whole answer, for requests that never come as far as the router.
    func answer(requestID: String) -> (HTTPResponseHead, ByteBuffer) {
        var writer = JSONWriter()
        writer.object { write(to: &$0, requestID: requestID) }
        let headers: HTTPHeaders = [
            "content-type": "application/problem+json", "content-length": String(writer.bytes.count),
            "x-request-id": requestID, "connection": "close",
        ]
        let status = HTTPResponseStatus(statusCode: kind.status.code)
        return (HTTPResponseHead(version: .http1_1, status: status, headers: headers), ByteBuffer(bytes: writer.bytes))
    }
}
