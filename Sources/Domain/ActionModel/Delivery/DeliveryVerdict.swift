import JSONTree

/// What follows from an attempt.
public enum DeliveryVerdict: Sendable, Equatable {
    /// The delivery is done.
    case succeeded
    /// Try again while the policy allows it, after what the receiver asked for.
    case retry(afterSeconds: Int?)
    /// Give up, and say why.
    case dead(reason: String)
    /// Give up, and disable the action too: the receiver said that it is gone for good.
    case disable(reason: String)
}

extension AttemptResult {
    /// Judges the attempt (CONTRACT §5).
    ///
    /// Success is 2xx. Other 4xx than 408, 409, 425 and 429 are final, except for `rest`, where Standard Webhooks
    /// retries all of them and takes 410 as "stop for good". Everything else, redirects included, is tried again.
    public func verdict(_ kind: ActionKind) -> DeliveryVerdict {
        guard let statusCode else {
            guard let failure, failure.isPermanent else { return .retry(afterSeconds: nil) }
            return .dead(reason: error ?? failure.rawValue)
        }
        switch (statusCode, kind) {
        case (200..<300, _):
            return .succeeded
        case (410, .rest):
            return .disable(reason: "the receiver answered 410 Gone")
        case (429, .telegram):
            return .retry(afterSeconds: telegramAnswer.retryAfter ?? retryAfterSeconds)
        case (408, _), (409, _), (425, _), (429, _), (_, .rest):
            return .retry(afterSeconds: retryAfterSeconds)
        case (400..<500, .telegram):
            return .dead(reason: telegramAnswer.description ?? "Telegram answered \(statusCode)")
        case (400..<500, _):
            return .dead(reason: "the receiver answered \(statusCode)")
        default:
            return .retry(afterSeconds: retryAfterSeconds)
        }
    }

    /// What the attempt says about its endpoint, for the circuit breaker.
    ///
    /// No answer and 5xx are failures. Whatever else was answered shows that the endpoint works, also when it refuses:
    /// what is wrong then is wrong with this delivery. To be asked to slow down says neither.
    public var health: EndpointHealth {
        if let failure {
            // Bounded and without NUL: it stands in the breaker's row and in an event.
            return failure.isPermanent ? .unknown : .unhealthy(reason: (error ?? failure.rawValue).kept(300))
        }
        guard let statusCode, statusCode != 429 else { return .unknown }
        return statusCode < 500 ? .healthy : .unhealthy(reason: "the receiver answered \(statusCode)")
    }

    /// What the Bot API says about an error: `{"ok":false,"description":…,"parameters":{"retry_after":…}}`.
    private var telegramAnswer: (description: String?, retryAfter: Int?) {
        do throws(JSONError) {
            let answer = try JSONDocument(responseExcerpt).root
            let seconds = answer["parameters"]?["retry_after"]?.int64
            return (answer["description"]?.string, seconds.flatMap { Int(exactly: $0) })
        } catch {
            return (nil, nil)
        }
    }
}
