public import ActionModel
public import EventModel
import HTTPWire
import Logging
public import Runtime
public import ServiceLifecycle

/// One attempt of a delivery that was made.
public struct SentAttempt: Sendable, Equatable {
    /// How it went.
    public let result: AttemptResult
    /// The beginning of the request, without secrets; nil when there was none to send.
    public let request: String?
    /// Set when nothing was attempted, because the receiver takes no more for now.
    public var putOff: ReceiverLimit?
    /// The event that the answer becomes; nil for none.
    public var event: EventEnvelope?
}

/// Carries out the actions of triggers: calls webhooks, Telegram's Bot API and tools, hands mails over, and asks the
/// language model.
///
/// All of it goes through one client, whose policy lets it reach the public internet and what `OUTBOUND_ALLOW` names;
/// but the language model, whose one URL is the operator's, has a client of its own.
public struct ActionSender: Service {
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
        let sent: SentAttempt
        do throws(RenderingError) {
            sent = try await carryOut(action, firing, deliveryID, progress)
        } catch {
            return .unsendable(error.description)
        }
        let result = sent.result
        logger.debug(
            "outbound.attempted",
            metadata: [
                "delivery.id": "\(deliveryID)", "action.type": "\(action.kind.rawValue)",
                "http.status": "\(result.statusCode ?? 0)", "outbound.failure": "\(result.failure?.rawValue ?? "none")",
                "duration.us": "\(result.durationMicroseconds)",
            ])
        return sent
    }

    // What waits for an answer holds the frames of all functions on the way. So those of the kinds are kept apart, by
    // `@inline(never)`: merged into one, a webhook would hold the space of the language model's too.
    private func carryOut(
        _ action: ActionDefinition, _ firing: Firing, _ deliveryID: UniqueID, _ progress: MessageProgress
    ) async throws(RenderingError) -> SentAttempt {
        switch action.config {
        case .rest(let rest):
            await send(OutboundRequest(try rest.request(for: firing), deliveryID: deliveryID, at: .now()))
        case .telegram(let telegram):
            await send(try telegram.request(for: firing), progress)
        case .emit:
            SentAttempt.unsendable("an action of type \(action.kind.rawValue) sends nothing")
        case .slack(let slack):
            await send(OutboundRequest(try slack.request(for: firing)))
        case .email(let email):
            await send(try email.request(for: firing, deliveryID: deliveryID))
        case .llm(let llm):
            await languageModel.send(llm, for: firing)
        case .mcp(let mcp):
            await tools.send(mcp, for: firing, deliveryID: deliveryID)
        }
    }

    @inline(never)
    private func send(_ prepared: OutboundRequest) async -> SentAttempt {
        SentAttempt(result: await attempt(prepared), request: prepared.excerpt)
    }

    @inline(never)
    func attempt(_ prepared: OutboundRequest) async -> AttemptResult {
        let start = ContinuousClock.now
        do throws(HTTPError) {
            let response = try await client.send(prepared.request)
            // Redacted before it is cut: half a secret would not be known for one.
            var result = AttemptResult(
                statusCode: response.status, body: prepared.redaction(response.body),
                retryAfterSeconds: response.header("retry-after").flatMap { RetryAfter.seconds($0, now: .now()) },
                durationMicroseconds: start.microsecondsSince)
            result.details = prepared.details(response.trace, responseHeaders: response.headers)
            return result
        } catch {
            var result = AttemptResult(
                failure: AttemptResult.Failure(error.code), error: prepared.redaction(error.message),
                durationMicroseconds: start.microsecondsSince)
            result.details = prepared.details(error.trace)
            return result
        }
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
