import ActionModel
import HTTPWire
import Runtime
import Synchronization

/// Why there is no reply.
enum MCPFailure: Error {
    /// There was no response.
    case http(HTTPError)
    /// The response is not one of success.
    case status(HTTPResponse)
    /// There was a response, and no reply in it.
    case noReply(String)
    /// The server does not know the session any more.
    case sessionGone
    /// The server refuses the request, in the protocol's terms.
    case refused(code: Int64, message: String)
    /// What was agreed upon, or is offered, is not what is needed.
    case unfit(String)
}

/// Speaks the protocol with one server: streamable HTTP, as revision 2025-11-25 has it under "Transports".
///
/// Every message is a POST. A request is answered by JSON or by a stream of events, in which the server may ask things
/// of its own before it replies; a stream that breaks off is resumed after its last event.
struct MCPExchange: Sendable {
    private static let maximumResumptions = 5
    private static let longestResumptionDelay = 10_000

    let client: HTTPClient
    let call: RenderedTool
    let deadline: ContinuousClock.Instant

    /// Sends a request and waits for the reply.
    func request(
        _ id: Int, _ body: [UInt8], in session: MCPSession? = nil
    ) async throws(MCPFailure) -> (result: MCPReply, response: HTTPResponse) {
        let collector = MCPCollector(id: id)
        let outcome = await withTaskGroup(of: Result<HTTPResponse, HTTPError>?.self) { group in
            group.addTask {
                let outcome = await converse(body, session, collector)
                collector.end()
                return outcome
            }
            group.addTask {
                // The server may wait for this before it replies.
                for await request in collector.requests { await answer(request, in: session) }
                return nil
            }
            var outcome: Result<HTTPResponse, HTTPError>?
            for await result in group { outcome = result ?? outcome }
            return outcome ?? .failure(HTTPError(.cancelled, "the task was cancelled"))
        }
        let state = collector.state
        switch outcome {
        case .failure(let error): throw .http(error)
        case .success(let response):
            guard (200..<300).contains(response.status) else { throw Self.failure(response, session) }
            if state.isTooLarge { throw .noReply("the answer has more than \(MCPStream.maximumBytes) bytes") }
            switch state.reply {
            case .result: break
            case .error(let code, let message): throw .refused(code: code, message: message)
            case nil: throw .noReply("the answer ended without a reply")
            }
            guard let reply = state.reply else { throw .noReply("the answer ended without a reply") }
            return (reply, response)
        }
    }

    /// Sends what needs no reply.
    func notify(_ body: [UInt8], in session: MCPSession?) async throws(MCPFailure) {
        let response: HTTPResponse
        do throws(HTTPError) {
            response = try await client.send(message("POST", body, session))
        } catch {
            throw .http(error)
        }
        guard (200..<300).contains(response.status) else { throw Self.failure(response, session) }
    }

    /// Ends a session; a server that does not let us says so, and forgets it by itself.
    func end(_ session: MCPSession) async {
        guard session.id != nil else { return }
        _ = try? await client.send(message("DELETE", nil, session))
    }

    private func answer(_ request: MCPServerRequest, in session: MCPSession?) async {
        // The server's request is its own affair: whether it got this, the reply to ours will show.
        try? await notify(MCPMessage.reply(to: request), in: session)
    }

    /// A session that is not known any more is answered with 404, by some older servers with 400.
    private static func failure(_ response: HTTPResponse, _ session: MCPSession?) -> MCPFailure {
        session?.id != nil && [400, 404].contains(response.status) ? .sessionGone : .status(response)
    }

    // MARK: - On the wire

    private func converse(
        _ body: [UInt8], _ session: MCPSession?, _ collector: MCPCollector
    ) async -> Result<HTTPResponse, HTTPError> {
        var request = message("POST", body, session)
        var resumptions = 0
        while true {
            let outcome: Result<HTTPResponse, HTTPError>
            do throws(HTTPError) {
                let response = try await client.read(request) { collector.take($0) }
                outcome = .success(response)
            } catch {
                outcome = .failure(error)
            }
            collector.finish()
            guard isBroken(outcome), collector.wantsMore, let last = collector.state.lastEventID,
                resumptions < Self.maximumResumptions, ContinuousClock.now < deadline
            else { return outcome }
            resumptions += 1
            let delay = min(max(collector.state.retryMilliseconds ?? 500, 0), Self.longestResumptionDelay)
            try? await Task.sleep(for: .milliseconds(delay))
            collector.reconnected()
            request = message("GET", nil, session)
            request.headers.append(("last-event-id", last))
        }
    }

    /// Whether a stream ended that may go on elsewhere.
    private func isBroken(_ outcome: Result<HTTPResponse, HTTPError>) -> Bool {
        switch outcome {
        case .success(let response): (200..<300).contains(response.status)
        case .failure(let error): error.code == .connection
        }
    }

    private func message(_ method: String, _ body: [UInt8]?, _ session: MCPSession?) -> HTTPRequest {
        var headers: [HTTPRequest.Header] = call.headers.map { ($0.0, $0.1) }
        if !headers.contains(where: { $0.name.lowercased() == "user-agent" }) {
            headers.append(OutboundRequest.userAgent)
        }
        if let traceparent = call.traceparent { headers.append(("traceparent", traceparent)) }
        headers.append(("accept", method == "GET" ? "text/event-stream" : "application/json, text/event-stream"))
        if body != nil { headers.append(("content-type", "application/json")) }
        if let session {
            headers.append(("mcp-protocol-version", session.revision))
            if let id = session.id { headers.append(("mcp-session-id", id)) }
        }
        let left = ContinuousClock.now.duration(to: deadline)
        return HTTPRequest(method, call.url, headers: headers, body: body, timeout: max(left, .milliseconds(1)))
    }
}

/// Takes the pieces of an answer on the client's lane, for the task that asked.
final class MCPCollector: Sendable {
    /// What the server asks of us, as it comes.
    let requests: AsyncStream<MCPServerRequest>
    private let heard: AsyncStream<MCPServerRequest>.Continuation
    private let stream: Mutex<MCPStream>

    init(id: Int) {
        stream = Mutex(MCPStream(id: id))
        (requests, heard) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(MCPStream.maximumRequests))
    }

    var state: MCPStream { stream.withLock { $0 } }

    var wantsMore: Bool { stream.withLock { $0.reply == nil && !$0.isTooLarge } }

    func take(_ piece: [UInt8]) -> Bool {
        stream.withLock { stream in
            let known = stream.requests.count
            let wantsMore = stream.take(piece)
            for request in stream.requests.dropFirst(known) { heard.yield(request) }
            return wantsMore
        }
    }

    func finish() {
        stream.withLock { $0.finish() }
    }

    func reconnected() {
        stream.withLock { $0.reconnected() }
    }

    func end() {
        heard.finish()
    }
}
