import Compression
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree
import Logging
import NIOCore
import NIOHTTP1

/// Turns every error on the way to an answer into problem details.
struct ProblemAnswers: RouterMiddleware {
    typealias Context = GatewayContext

    /// How long a connection with an unread body stays open, so that the peer can read the answer before it closes.
    private static let lingering = TimeAmount.seconds(2)

    func handle(
        _ request: Request, context: GatewayContext,
        next: @concurrent (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            response = try await next(request, context)
        } catch {
            response = answer(to: request, problem: problem(for: error, context: context), context: context)
        }
        if request.hasBody, !context.body.isComplete {
            response.headers[.connection] = "close"
            let channel = context.channel
            channel.eventLoop.scheduleTask(in: Self.lingering) { channel.close(promise: nil) }
        }
        return response
    }

    private func problem(for error: any Error, context: GatewayContext) -> Problem {
        switch error {
        case let problem as Problem: return problem
        case let error as JSONError: return Problem(error)
        case let error as JSONValidationError: return Problem(error)
        case let error as GzipError: return Problem(error)
        case is HTTPParserError: return Problem(.malformedRequest, "the body's framing can't be read as HTTP/1.1")
        case let error as HTTPError where error.status == .notFound:
            return Problem(.notFound, "there is no such path; the API is under /api/v1")
        default:
            if let error = EventStoreError(explaining: error) { return Problem(error, logger: context.logger) }
            context.logger.error("request.failed", metadata: ["error": "\(error)"])
            return Problem(.internalError, "the request failed for a reason that is ours; it was logged")
        }
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
