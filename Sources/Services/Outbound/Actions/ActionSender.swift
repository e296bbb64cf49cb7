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
    /// The event that the answer becomes; nil for none.
    public let event: EventEnvelope?
    /// Set when nothing was attempted, because nothing may be for now.
    public let putOff: PutOff?

    init(result: AttemptResult, request: String?, event: EventEnvelope? = nil, putOff: PutOff? = nil) {
        self.result = result
        self.request = request
        self.event = event
        self.putOff = putOff
    }

    /// There is nothing that could be sent, now or later.
    static func unsendable(_ reason: String) -> SentAttempt {
        SentAttempt(
            result: AttemptResult(failure: .invalidRequest, error: reason, durationMicroseconds: 0), request: nil)
    }
}

/// How long nothing may be attempted.
public struct PutOff: Sendable, Equatable {
    /// How long.
    public let delay: Duration
    /// Why, in words.
    public let reason: String

    init(for delay: Duration, reason: String) {
        self.delay = delay
        self.reason = reason
    }
}

/// Carries out the actions of triggers: calls webhooks, Telegram's Bot API and tools, and asks the language model.
///
/// All of it goes through one client, whose policy lets it reach the public internet and what `OUTBOUND_ALLOW` names;
/// but the language model, whose one URL is the operator's, has a client of its own.
public struct ActionSender: Service {
    private let client: HTTPClient
    private let telegramAPIBase: String
    private let languageModel: LLMSender
    private let tools: MCPSender
    private let logger: Logger

    /// Makes a sender; nothing connects yet.
    ///
    /// - Parameters:
    ///   - blocks: CIDRs that may be reached although they are private.
    ///   - telegramAPIBase: without a slash at the end.
    ///   - languageModel: the installation's; without a base URL there is none.
    ///   - ledger: keeps account of the language model; without one nothing bounds its use, and no answer is kept.
    public init(
        allowing blocks: [String], telegramAPIBase: String, languageModel: ModelSettings = ModelSettings(),
        ledger: (any ModelLedger)? = nil, logger: Logger
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
    /// - Parameter deliveryID: the same for every attempt, by which the receiver knows a repeat.
    public func send(_ action: ActionDefinition, for firing: Firing, deliveryID: UniqueID) async -> SentAttempt {
        let sent = await carryOut(action, firing, deliveryID)
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

    private func carryOut(_ action: ActionDefinition, _ firing: Firing, _ deliveryID: UniqueID) async -> SentAttempt {
        let prepared: OutboundRequest
        do throws(RenderingError) {
            switch action.config {
            case .rest(let rest):
                prepared = OutboundRequest(try rest.request(for: firing), deliveryID: deliveryID, at: .now())
            case .telegram(let telegram):
                prepared = OutboundRequest(telegram.request(for: firing), apiBase: telegramAPIBase)
            case .emit: return .unsendable("an action of type emit sends nothing")
            case .llm(let llm): return await languageModel.send(llm, for: firing)
            case .mcp(let mcp): return await tools.send(mcp, for: firing, deliveryID: deliveryID)
            }
        } catch {
            return .unsendable(error.description)
        }
        return SentAttempt(result: await attempt(prepared), request: prepared.excerpt)
    }

    private func attempt(_ prepared: OutboundRequest) async -> AttemptResult {
        let start = ContinuousClock.now
        do throws(HTTPError) {
            let response = try await client.send(prepared.request)
            return AttemptResult(
                statusCode: response.status, body: prepared.redaction(response.body),
                retryAfterSeconds: response.header("retry-after").flatMap { RetryAfter.seconds($0, now: .now()) },
                durationMicroseconds: start.microsecondsSince)
        } catch {
            return AttemptResult(
                failure: AttemptResult.Failure(error.code), error: prepared.redaction(error.message),
                durationMicroseconds: start.microsecondsSince)
        }
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
