import HTTPTypes
import Hummingbird

/// Header fields that keep browsers and caches from making anything else of an answer than what it is.
///
/// Only what can be opened by its address has them: no browser shows, and no cache keeps, the answer to a change.
struct AnswerHeaders: RouterMiddleware {
    typealias Context = GatewayContext

    func handle(
        _ request: Request, context: GatewayContext,
        next: @concurrent (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        guard request.method == .get || request.method == .head else { return response }
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[.referrerPolicy] = "no-referrer"
        if response.headers[.contentSecurityPolicy] == nil {
            response.headers[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
        }
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        return response
    }
}

extension HTTPField.Name {
    /// W3C Referrer Policy.
    static let referrerPolicy = HTTPField.Name("referrer-policy")!
}
