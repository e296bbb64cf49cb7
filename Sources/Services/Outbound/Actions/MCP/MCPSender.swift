import ActionModel
import EventModel
import HTTPWire
import JSONTree
import Logging
import Runtime

/// Calls the tools of Model Context Protocol servers: the one tool that an action names, and no other.
struct MCPSender: Sendable {
    private static let maximumPages = 20
    private static let maximumTools = 1_000
    private static let maximumSessionIDLength = 1_024

    let client: HTTPClient
    let logger: Logger
    private let sessions = MCPSessions()

    init(client: HTTPClient, logger: Logger) {
        self.client = client
        self.logger = logger
    }

    /// Makes one attempt; every failure is in its result.
    @inline(never)
    func send(_ action: MCPAction, for firing: Firing, deliveryID: UniqueID) async -> SentAttempt {
        let start = ContinuousClock.now
        let event: AnswerEvent?
        do throws(EmitError) {
            event = try action.event(for: firing)
        } catch {
            return .unsendable("the result could become no event: \(error)")
        }
        let call: RenderedTool
        do throws(RenderingError) {
            call = try action.call(for: firing)
        } catch {
            return .unsendable(error.description)
        }
        let record = MCPRecord(
            call: call, body: MCPMessage.call(id: 1, call, deliveryID: deliveryID.description), start: start)
        let exchange = MCPExchange(
            client: client, call: call, deadline: start.advanced(by: .milliseconds(action.timeoutMilliseconds)))
        let key = MCPSessions.Key(
            organizationID: firing.event.event.organizationID, url: call.url,
            headers: call.headers.map { "\($0.0): \($0.1)" })
        do throws(MCPFailure) {
            return record.judge(try await use(exchange, key, record.body), event)
        } catch {
            return record.failed(error)
        }
    }

    /// Ends what sessions there are, as far as that goes within a moment.
    func endSessions() async {
        let sessions = sessions.removeAll()
        let deadline = ContinuousClock.now.advanced(by: .seconds(2))
        await withTaskGroup { group in
            for (session, call) in sessions {
                group.addTask { await MCPExchange(client: client, call: call, deadline: deadline).end(session) }
            }
        }
    }

    /// Calls the tool in a session that is there or a new one; once more in a new one when the old one is gone, which
    /// the server says before it does anything.
    private func use(
        _ exchange: MCPExchange, _ key: MCPSessions.Key, _ body: [UInt8]
    ) async throws(MCPFailure) -> CalledTool {
        if let session = sessions.session(key) {
            do throws(MCPFailure) {
                return try await call(exchange, session, body)
            } catch {
                switch error {
                case .sessionGone:
                    sessions.forget(session, key)
                case .unfit:
                    // What the server offers may have changed since it was asked.
                    sessions.forget(session, key)
                    await exchange.end(session)
                case .http, .status, .noReply, .refused:
                    throw error
                }
            }
        }
        let session = try await open(exchange)
        let spare = sessions.keep(session, exchange.call, key)
        let outcome: Result<CalledTool, MCPFailure>
        do throws(MCPFailure) {
            outcome = .success(try await call(exchange, session, body))
        } catch {
            outcome = .failure(error)
        }
        // After the call: ours may be among them, when somebody else has begun one in the meantime.
        let deadline = max(exchange.deadline, .now.advanced(by: .seconds(1)))
        for (old, call) in spare { await MCPExchange(client: client, call: call, deadline: deadline).end(old) }
        if case .failure(.sessionGone) = outcome {
            sessions.forget(session, key)
            throw .noReply("the server forgot the session that it had just begun")
        }
        return try outcome.get()
    }

    private func call(
        _ exchange: MCPExchange, _ session: MCPSession, _ body: [UInt8]
    ) async throws(MCPFailure) -> CalledTool {
        guard let tool = session.tools.first(where: { $0.name == exchange.call.tool }) else {
            let names = session.tools.prefix(20).map(\.name).joined(separator: ", ")
            throw .unfit("the server has no tool \(exchange.call.tool); it has \(names.isEmpty ? "none" : names)")
        }
        let problems = tool.problems(withArguments: exchange.call.arguments)
        guard problems.isEmpty else {
            throw .unfit("the arguments don't fit the tool: \(JSONValidationError(Array(problems.prefix(5))))")
        }
        let (reply, response) = try await exchange.request(1, body, in: session)
        guard case .result(let result) = reply else { throw .noReply("the reply is no result") }
        return CalledTool(tool: tool, result: MCPToolResult(result), trace: response.trace)
    }

    // MARK: - Beginning a session

    private func open(_ exchange: MCPExchange) async throws(MCPFailure) -> MCPSession {
        let body = MCPMessage.initialize(id: 0, clientVersion: ColliderVersion.current)
        let (reply, response) = try await exchange.request(0, body)
        guard case .result(let result) = reply else { throw .noReply("the reply is no result") }
        let revision = result["protocolVersion"]?.string ?? "none"
        guard MCPMessage.revisions.contains(revision) else {
            let known = MCPMessage.revisions.joined(separator: ", ")
            throw .unfit("the server speaks revision \(revision.prefix(40)) of the protocol, and this is for \(known)")
        }
        let id = response.header("mcp-session-id")
        guard id.map(Self.isSessionID) != false else { throw .noReply("the id of the session is malformed") }
        let begun = MCPSession(id: id, revision: revision, tools: [])
        try await exchange.notify(MCPMessage.initialized, in: begun)
        return MCPSession(id: id, revision: revision, tools: try await list(exchange, begun))
    }

    /// "Visible ASCII" ("Session Management").
    private static func isSessionID(_ id: String) -> Bool {
        (1...maximumSessionIDLength).contains(id.utf8.count) && id.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    private func list(_ exchange: MCPExchange, _ session: MCPSession) async throws(MCPFailure) -> [MCPTool] {
        var tools: [MCPTool] = []
        var cursor: String?
        for page in 0..<Self.maximumPages {
            let body = MCPMessage.listTools(id: 2 + page, cursor: cursor)
            let (reply, _) = try await exchange.request(2 + page, body, in: session)
            guard case .result(let result) = reply else { break }
            let page = MCPToolPage(result)
            tools += page.tools
            cursor = page.nextCursor
            if cursor == nil || tools.count >= Self.maximumTools { break }
        }
        return Array(tools.prefix(Self.maximumTools))
    }
}

/// A tool that was called.
struct CalledTool: Sendable {
    let tool: MCPTool
    let result: MCPToolResult
    /// Where the time of the call went.
    let trace: HTTPTrace
}

/// How a call is written down.
struct MCPRecord {
    let call: RenderedTool
    let body: [UInt8]
    let start: ContinuousClock.Instant

    /// Takes the action's credentials out of whatever is kept: a server may well repeat what it was sent.
    private var redaction: Redaction {
        var secrets: [String] = []
        for (name, value) in call.headers where SecretMask.covers(header: name) {
            secrets.append(value)
            // `Bearer x`: the second half by itself is as good as the whole.
            if let half = value.split(separator: " ", maxSplits: 1).dropFirst().first { secrets.append(String(half)) }
        }
        return Redaction(secrets: secrets + ShownURL.secrets(in: call.url))
    }

    private var request: String {
        let body = redaction(Array(body.prefix(2 * OutboundRequest.excerptLimit))).prefix(OutboundRequest.excerptLimit)
        return "POST \(ShownURL.text(call.url))\n\n" + String(decoding: body, as: UTF8.self)
    }

    /// Holds a result against what the tool promised, and makes the event of it.
    func judge(_ called: CalledTool, _ event: AnswerEvent?) -> SentAttempt {
        let result = called.result
        if result.isError {
            let reason = "the tool says that it failed: \(result.errorText)"
            return failed(.toolError, reason, body: result.source, called.trace)
        }
        if let structured = result.structured {
            let problems = called.tool.problems(withResult: structured)
            guard problems.isEmpty else {
                let reason = "the result does not fit the tool's own schema: \(JSONValidationError(problems))"
                return failed(.unusableAnswer, reason, body: result.source, called.trace)
            }
        }
        var envelope: EventEnvelope?
        do throws(EmitError) {
            envelope = try event?.envelope(data: result.data)
        } catch {
            return failed(.unusableAnswer, "the result can be no event: \(error)", body: result.source, called.trace)
        }
        let success = AttemptResult(
            statusCode: 200, body: redaction.ofAnswer(result.source), durationMicroseconds: start.microsecondsSince)
        return SentAttempt(result: detailed(success, called.trace), request: request, event: envelope)
    }

    private func detailed(_ result: AttemptResult, _ trace: HTTPTrace?) -> AttemptResult {
        var result = result
        result.details = OutboundRequest.details(method: "POST", url: redaction(ShownURL.text(call.url)), trace)
        return result
    }

    /// Writes down why there is no result.
    func failed(_ failure: MCPFailure) -> SentAttempt {
        switch failure {
        case .http(let error): return failed(AttemptResult.Failure(error.code), error.message, error.trace)
        case .status(let response):
            let result = AttemptResult(
                statusCode: response.status, body: redaction.ofAnswer(response.body),
                retryAfterSeconds: response.header("retry-after").flatMap { RetryAfter.seconds($0, now: .now()) },
                durationMicroseconds: start.microsecondsSince)
            return SentAttempt(result: detailed(result, response.trace), request: request)
        case .sessionGone: return failed(.response, "the server ended the session")
        case .noReply(let reason): return failed(.response, reason)
        case .unfit(let reason): return failed(.invalidRequest, reason)
        case .refused(let code, let message):
            return failed(
                MCPReply.isPermanent(code) ? .unusableAnswer : .response, "the server refuses (\(code)): \(message)")
        }
    }

    private func failed(
        _ failure: AttemptResult.Failure, _ reason: String, body: [UInt8] = [], _ trace: HTTPTrace? = nil
    ) -> SentAttempt {
        let result = AttemptResult(
            failure: failure, error: redaction(reason), body: redaction.ofAnswer(body),
            durationMicroseconds: start.microsecondsSince)
        return SentAttempt(result: detailed(result, trace), request: request)
    }
}
