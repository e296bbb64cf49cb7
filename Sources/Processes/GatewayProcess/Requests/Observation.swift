import EventModel
import HTTPTypes
import Hummingbird
import Logging
import Runtime

/// Gives every request its id, and counts, times and logs its answer.
struct Observation: RouterMiddleware {
    typealias Context = GatewayContext

    let metrics: GatewayMetrics

    func handle(
        _ request: Request, context: GatewayContext,
        next: @concurrent (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        var context = context
        context.requestID = Self.given(request) ?? UniqueID.generate().description
        context.logger[metadataKey: "request.id"] = "\(context.requestID)"
        context.logger[metadataKey: "hb.request.id"] = nil

        var response = try await next(request, context)
        response.headers[.requestID] = context.requestID
        let duration = ContinuousClock.now - start
        let route = context.endpointPath ?? "NotFound"
        metrics.answered(route: route, method: request.method, status: response.status, duration: duration)
        context.logger.debug(
            "request.answered",
            metadata: [
                "http.method": "\(request.method.rawValue)", "http.route": "\(route)",
                "http.status": "\(response.status.code)", "http.duration": "\(duration)",
            ])
        return response
    }

    /// The id that a proxy or the client chose, if it is fit to be logged.
    private static func given(_ request: Request) -> String? {
        request.headers[.requestID].flatMap { isFit($0) ? $0 : nil }
    }

    /// Whether an id that a client chose is fit to be logged.
    static func isFit(_ id: String) -> Bool {
        (1...64).contains(id.utf8.count) && id.utf8.allSatisfy { isPlain($0) }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        let character = Character(Unicode.Scalar(byte))
        return byte < 0x80 && (character.isLetter || character.isNumber || "-_.".contains(character))
    }
}

extension HTTPField.Name {
    /// `x-request-id`, the customary name; there is no standard one.
    static let requestID = HTTPField.Name("x-request-id")!
    /// `idempotency-key` (IETF draft-ietf-httpapi-idempotency-key-header).
    static let idempotencyKey = HTTPField.Name("idempotency-key")!
}
