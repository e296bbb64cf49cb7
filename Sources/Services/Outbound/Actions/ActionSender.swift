public import ActionModel
public import EventModel
import HTTPWire
import Logging
public import Runtime
public import ServiceLifecycle

/// One attempt of a delivery that was made; an object, so that those who wait for it need no room for it.
public final class SentAttempt: Sendable {
    /// How it went.
    public let result: AttemptResult
    /// The beginning of the request, without secrets; nil when there was none to send.
    public let request: String?
    /// Set when nothing was attempted, because the receiver takes no more for now.
    public let putOff: ReceiverLimit?
    /// The event that the answer becomes; nil for none.
    public let event: EventEnvelope?

    init(result: AttemptResult, request: String?, putOff: ReceiverLimit? = nil, event: EventEnvelope? = nil) {
        self.result = result
        self.request = request
        self.putOff = putOff
        self.event = event
    }
}

/// Carries out the actions of triggers: calls webhooks, Telegram's Bot API and tools, hands mails over, and asks the
/// language model.
///
/// All of it goes through one client, whose policy lets it reach the public internet and what `OUTBOUND_ALLOW` names;
/// but the language model, whose one URL is the operator's, has a client of its own.
public final class ActionSender: Service {
    let client: HTTPClient
    let telegramAPIBase: String
    let limiter: ReceiverLimiter?
    private let languageModel: LLMSender
    private let tools: MCPSender
    private let logger: Logger

    /// Makes a sender; nothing connects yet.
    ///
    /// - Parameters:
    ///   - blocks: CIDRs that may be reached although they are private.
    ///   - telegramAPIBase: without a slash at the end.
    ///   - limiter: keeps to the limits of receivers that have known ones; nil to leave that to them.
    ///   - languageModel: the installation's; without a base URL there is none.
    ///   - ledger: keeps account of the language model; without one nothing bounds its use, and no answer is kept.
    public init(
        allowing blocks: [String], telegramAPIBase: String, limiter: ReceiverLimiter? = nil,
        languageModel: ModelSettings = ModelSettings(), ledger: (any ModelLedger)? = nil, logger: Logger
    ) throws(OutboundError) {
        var parsed: [AddressBlock] = []
        for text in blocks {
            guard let block = AddressBlock(text) else {
                throw OutboundError(
                    .addressBlock,
                    "OUTBOUND_ALLOW: \"\(text)\" is not a block of addresses such as 10.0.0.0/8")
            }
            parsed.append(block)
        }
        client = HTTPClient(policy: .publicInternet(besides: parsed))
        self.telegramAPIBase = telegramAPIBase
        self.limiter = limiter
        self.languageModel = LLMSender(settings: languageModel, ledger: ledger, logger: logger)
        tools = MCPSender(client: client, logger: logger)
        self.logger = logger
    }

    /// Waits for graceful shutdown, then ends sessions and closes the connections. Whoever sends is to be shut down
    /// before.
    public func run() async throws {
        try? await gracefulShutdown()
        await tools.endSessions()
        languageModel.client.close()
        client.close()
    }

    /// Makes one attempt; every failure is in its result.
    ///
    /// - Parameters:
    ///   - deliveryID: the same for every attempt, by which the receiver knows a repeat.
    ///   - progress: of a message in several parts.
    public func send(
        _ action: ActionDefinition, for firing: Firing, deliveryID: UniqueID, progress: MessageProgress = .none
    ) async -> SentAttempt {
        let prepared = prepare(action, firing, deliveryID)
        let sent: SentAttempt
        if case .request(let request) = prepared {
            sent = await send(request)
        } else {
            sent = await send(prepared, firing, deliveryID, progress)
        }
        log(sent, action, deliveryID)
        return sent
    }

    // What waits for an answer holds the frames of all functions on the way, and a worker may wait for a thousand. So
    // there are few functions on the way, and whatever needs space and need not wait is in one of its own. So are the
    // other kinds: in one frame, a webhook would hold the space of the language model's too.

    @inline(never)
    private func send(
        _ prepared: PreparedAction, _ firing: Firing, _ deliveryID: UniqueID, _ progress: MessageProgress
    ) async -> SentAttempt {
        switch prepared {
        case .request(let request): await send(request)
        case .telegram(let rendered): await send(rendered, progress)
        case .email(let rendered): await send(rendered)
        case .question(let llm): await languageModel.send(llm, for: firing)
        case .toolCall(let mcp): await tools.send(mcp, for: firing, deliveryID: deliveryID)
        case .nothing(let reason): .unsendable(reason)
        }
    }

    @inline(never)
    private func prepare(
        _ action: ActionDefinition, _ firing: Firing, _ deliveryID: UniqueID
    ) -> PreparedAction {
        do throws(RenderingError) {
            switch action.config {
            case .rest(let rest):
                let rendered = try rest.request(for: firing)
                return .request(OutboundRequest(rendered, deliveryID: deliveryID, at: .now()))
            case .slack(let slack): return .request(OutboundRequest(try slack.request(for: firing)))
            case .telegram(let telegram): return .telegram(try telegram.request(for: firing))
            case .email(let email): return .email(try email.request(for: firing, deliveryID: deliveryID))
            case .llm(let llm): return .question(llm)
            case .mcp(let mcp): return .toolCall(mcp)
            case .emit: return .nothing("an action of type \(action.kind.rawValue) sends nothing")
            }
        } catch {
            return .nothing(error.description)
        }
    }

    @inline(never)
    private func log(_ sent: SentAttempt, _ action: ActionDefinition, _ deliveryID: UniqueID) {
        let result = sent.result
        logger.debug(
            "outbound.attempted",
            metadata: [
                "delivery.id": "\(deliveryID)", "action.type": "\(action.kind.rawValue)",
                "http.status": "\(result.statusCode ?? 0)", "outbound.failure": "\(result.failure?.rawValue ?? "none")",
                "duration.us": "\(result.durationMicroseconds)",
            ])
    }

    @inline(never)
    func send(_ prepared: OutboundRequest) async -> SentAttempt {
        let start = ContinuousClock.now
        return prepared.attempt(endedWith: await client.outcome(of: prepared.request), since: start)
    }
}

/// What an attempt does, rendered where that needs nobody's answer.
private indirect enum PreparedAction: Sendable {
    case request(OutboundRequest)
    case telegram(RenderedTelegram)
    case email(RenderedEmail)
    case question(LLMAction)
    case toolCall(MCPAction)
    /// There is nothing that could be sent, for this reason.
    case nothing(String)
}

extension OutboundRequest {
    @inline(never)
    fileprivate func attempt(
        endedWith outcome: Result<HTTPResponse, HTTPError>, since start: ContinuousClock.Instant
    ) -> SentAttempt {
        var result: AttemptResult
        switch outcome {
        case .success(let response):
            // Redacted before it is cut: half a secret would not be known for one.
            result = AttemptResult(
                statusCode: response.status, body: redaction.ofAnswer(response.body),
                retryAfterSeconds: response.header("retry-after").flatMap { RetryAfter.seconds($0, now: .now()) },
                durationMicroseconds: start.microsecondsSince)
            result.details = details(response.trace, responseHeaders: response.headers)
        case .failure(let error):
            result = AttemptResult(
                failure: AttemptResult.Failure(error.code), error: redaction(error.message),
                durationMicroseconds: start.microsecondsSince)
            result.details = details(error.trace)
        }
        return SentAttempt(result: result, request: excerpt)
    }
}

extension SentAttempt {
    /// There is nothing that could be sent, now or later.
    static func unsendable(_ reason: String) -> SentAttempt {
        SentAttempt(
            result: AttemptResult(failure: .invalidRequest, error: reason, durationMicroseconds: 0), request: nil)
    }
}

extension AttemptResult.Failure {
    /// What a failed request means for a delivery.
    init(_ code: HTTPError.Code) {
        self =
            switch code {
            case .invalidRequest: .invalidRequest
            case .deniedAddress: .deniedAddress
            case .resolution, .connection, .overloaded, .cancelled, .closed: .connection
            case .tls: .tls
            case .timeout: .timeout
            case .response: .response
            }
    }
}

extension ContinuousClock.Instant {
    var microsecondsSince: Int64 {
        let (seconds, attoseconds) = (ContinuousClock.now - self).components
        return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    }
}
