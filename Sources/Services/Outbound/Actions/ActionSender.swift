public import ActionModel
public import EventModel
import HTTPWire
import Logging
import Runtime
public import ServiceLifecycle

/// One attempt of a delivery that was made.
public struct SentAttempt: Sendable, Equatable {
    /// How it went.
    public let result: AttemptResult
    /// The beginning of the request, without secrets; nil when there was none to send.
    public let request: String?
}

/// Carries out the actions of triggers: calls webhooks and Telegram's Bot API.
///
/// All of it goes through one client, whose policy lets it reach the public internet and what `OUTBOUND_ALLOW` names.
public struct ActionSender: Service {
    private let client: HTTPClient
    private let telegramAPIBase: String
    private let logger: Logger

    /// Makes a sender; nothing connects yet.
    ///
    /// - Parameters:
    ///   - blocks: CIDRs that may be reached although they are private.
    ///   - telegramAPIBase: without a slash at the end.
    public init(
        allowing blocks: [String], telegramAPIBase: String, logger: Logger
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
        self.logger = logger
    }

    /// Waits for graceful shutdown, then closes the connections. Whoever sends is to be shut down before.
    public func run() async throws {
        try await client.run()
    }

    /// Makes one attempt; every failure is in its result.
    ///
    /// - Parameter deliveryID: the same for every attempt, by which the receiver knows a repeat.
    public func send(_ action: ActionDefinition, for firing: Firing, deliveryID: UniqueID) async -> SentAttempt {
        let prepared: OutboundRequest
        do throws(RenderingError) {
            guard let request = try prepare(action, firing, deliveryID) else {
                return Self.unsendable("an action of type \(action.kind.rawValue) sends nothing")
            }
            prepared = request
        } catch {
            return Self.unsendable(error.description)
        }
        let result = await attempt(prepared)
        logger.debug(
            "outbound.attempted",
            metadata: [
                "delivery.id": "\(deliveryID)", "action.type": "\(action.kind.rawValue)",
                "http.status": "\(result.statusCode ?? 0)", "outbound.failure": "\(result.failure?.rawValue ?? "none")",
                "duration.us": "\(result.durationMicroseconds)",
            ])
        return SentAttempt(result: result, request: prepared.excerpt)
    }

    private func prepare(
        _ action: ActionDefinition, _ firing: Firing, _ deliveryID: UniqueID
    ) throws(RenderingError) -> OutboundRequest? {
        switch action.config {
        case .rest(let rest):
            OutboundRequest(try rest.request(for: firing), deliveryID: deliveryID, at: .now())
        case .telegram(let telegram):
            OutboundRequest(telegram.request(for: firing), apiBase: telegramAPIBase)
        case .emit: nil
        }
    }

    private static func unsendable(_ reason: String) -> SentAttempt {
        SentAttempt(
            result: AttemptResult(failure: .invalidRequest, error: reason, durationMicroseconds: 0), request: nil)
    }

    private func attempt(_ prepared: OutboundRequest) async -> AttemptResult {
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
    fileprivate var microsecondsSince: Int64 {
        let (seconds, attoseconds) = (ContinuousClock.now - self).components
        return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    }
}
