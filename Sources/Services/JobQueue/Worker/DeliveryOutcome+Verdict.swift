import ActionModel
import EventStore

extension DeliveryOutcome {
    /// What becomes of a delivery whose attempt ended so.
    ///
    /// - Parameter jitter: chance from 0 up to 1, so that what failed together does not come back together.
    static func after(_ result: AttemptResult, of claimed: ClaimedDelivery, jitter: Double) -> DeliveryOutcome {
        switch result.verdict(claimed.action.kind) {
        case .succeeded:
            return .succeeded
        case .dead(let reason):
            return .dead(reason: reason)
        case .disable(let reason):
            return .disabled(reason: reason)
        case .retry(let seconds):
            let attempt = claimed.delivery.attempt
            let reason = result.error ?? result.statusCode.map { "the receiver answered \($0)" } ?? "no answer"
            let delay = claimed.action.retry.delay(
                afterAttempt: attempt, jitter: jitter, retryAfterSeconds: seconds)
            guard let delay else { return .dead(reason: "given up after \(attempt) attempts: \(reason)") }
            return .scheduled(
                afterMicroseconds: delay, reason: reason,
                because: claimed.action.retry.reason(afterAttempt: attempt, retryAfterSeconds: seconds))
        }
    }

    /// All labels.
    static var labels: [String] { ["succeeded", "retried", "dead", "disabled", "cancelled"] }

    /// The outcome as a label, one of ``labels``.
    var label: String {
        switch self {
        case .succeeded: "succeeded"
        case .scheduled: "retried"
        case .dead: "dead"
        case .disabled: "disabled"
        case .cancelled: "cancelled"
        }
    }
}
