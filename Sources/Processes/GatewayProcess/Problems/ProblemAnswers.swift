import HTTPTypes
import Hummingbird
import JSONTree
import Logging
import NIOCore

/// Turns every error on the way to an answer into problem details.
struct ProblemAnswers: RouterMiddleware {
    typealias Context = GatewayContext

    /// How long a connection with an unread body stays open, so that the peer can read the answer before it closes.
    static let lingering = TimeAmount.seconds(2)

    /// What is known of paths, for methods that nobody has heard of.
    let paths: PathIndex

    func handle(
        _ request: Request, context: GatewayContext,
        next: @concurrent (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            response = try await next(request, context)
        } catch {
            let problem = Problem(explaining: error, logger: context.logger)
            response = answer(
                to: request, problem: paths.refusal(of: request, insteadOf: problem) ?? problem, context: context)
        }
        if request.hasBody, !context.body.isComplete {
            response.headers[.connection] = "close"
            let channel = context.channel
            channel.eventLoop.scheduleTask(in: Self.lingering) { channel.close(promise: nil) }
        }
        return response
    }

    private func answer(to request: Request, problem: Problem, context: GatewayContext) -> Response {
        var body = JSONWriter()
        body.object {
            problem.write(to: &$0, requestID: context.requestID)
        }
        var headers = problem.headers
        headers[.contentType] = "application/problem+json"
        let bytes = request.method == .head ? ByteBuffer() : ByteBuffer(bytes: body.bytes)
        return Response(status: problem.kind.status, headers: headers, body: ResponseBody(byteBuffer: bytes))
    }
}
