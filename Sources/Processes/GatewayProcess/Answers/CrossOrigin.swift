import HTTPTypes
import Hummingbird

/// Lets pages of other origins call the API (Fetch Standard §3.2), where an operator has named the origins.
///
/// Credentials of browsers are never asked for: a page has to know a key, and sends it itself.
struct CrossOrigin: RouterMiddleware {
    typealias Context = GatewayContext

    private static let methods = "GET, HEAD, POST, PUT, PATCH, DELETE"
    private static let requestHeaders = """
        authorization, content-type, content-encoding, idempotency-key, if-match, if-none-match, last-event-id, \
        traceparent, x-request-id
        """
    private static let answerHeaders = """
        etag, location, ratelimit-limit, ratelimit-remaining, ratelimit-reset, retry-after, x-request-id
        """
    /// Seconds for which a browser need not ask again.
    private static let maximumAge = "600"

    /// As browsers send them; `*` for all.
    let origins: Set<String>

    func handle(
        _ request: Request, context: GatewayContext,
        next: @concurrent (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        guard !origins.isEmpty else { return try await next(request, context) }
        let isAsked = request.method == .options && request.headers[.accessControlRequestMethod] != nil
        let origin = request.headers[.origin]
        let isAllowed = origin.map { origins.contains($0) || origins.contains("*") } ?? false
        var response = isAsked && isAllowed ? Self.permission : try await next(request, context)
        response.headers.vary(on: "origin")
        guard isAllowed, let origin else { return response }
        response.headers[.accessControlAllowOrigin] = origins.contains("*") ? "*" : origin
        if !isAsked { response.headers[.accessControlExposeHeaders] = Self.answerHeaders }
        return response
    }

    private static var permission: Response {
        Response(
            status: .noContent,
            headers: [
                .accessControlAllowMethods: methods, .accessControlAllowHeaders: requestHeaders,
                .accessControlMaxAge: maximumAge,
            ])
    }
}
