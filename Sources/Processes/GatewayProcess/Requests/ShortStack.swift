import Hummingbird

/// Works an answer out in a task of its own.
///
/// A task keeps the memory that its deepest calls have taken for as long as it lives. The one of a connection lives on
/// while a stream is written, and 1,000 streams would hold 1,000 times what all the middleware once needed.
struct ShortStack<Responder: HTTPResponder<GatewayContext>>: HTTPResponder {
    let responder: Responder

    func respond(to request: Request, context: GatewayContext) async throws -> Response {
        async let response = responder.respond(to: request, context: context)
        return try await response
    }
}
