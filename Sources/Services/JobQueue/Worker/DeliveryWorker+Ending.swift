import ActionModel
import EventStore
import Logging
import Runtime

extension DeliveryWorker {
    /// Attempts of one commit at most.
    private static var attemptsPerCommit: Int { 256 }

    /// Writes down what has ended, until nothing more will.
    func writeDown() async {
        var backoff = Backoff(initial: .milliseconds(50), maximum: .seconds(2))
        while !Task.isCancelled, let batch = await ended.take(limit: Self.attemptsPerCommit) {
            do {
                let answer = try await store.finish(batch.map(\.attempt))
                for one in batch { settle(one, answer) }
                backoff.reset()
            } catch {
                // PostgreSQL is away: what was sent should not be sent once more, so this waits with it.
                let (late, early) = (batch.filter { $0.giveUpAt < .now }, batch.filter { $0.giveUpAt >= .now })
                for one in late { abandon(one.claimed, "\(error)") }
                ended.putBack(early)
                try? await Task.sleep(for: backoff.next())
            }
        }
    }

    private func settle(_ one: Ended, _ answer: FinishAnswer) {
        if let reason = answer.refused[one.attempt.lease.deliveryID] { return abandon(one.claimed, reason) }
        note(one.claimed, one.attempt.outcome, isWritten: answer.ended.contains(one.attempt.lease.deliveryID))
        hand.release(one.claimed)
    }

    /// Writes down by itself what needs more than the delivery's own rows, again and again while PostgreSQL is away.
    func write(_ ended: Ended) async {
        var backoff = Backoff(initial: .milliseconds(50), maximum: .seconds(2))
        while !Task.isCancelled {
            do {
                let attempt = ended.attempt
                let isWritten = try await store.finish(ended.claimed, attempt.outcome, after: attempt.record)
                note(ended.claimed, attempt.outcome, isWritten: isWritten)
                return hand.release(ended.claimed)
            } catch {
                guard ContinuousClock.now < ended.giveUpAt else { return abandon(ended.claimed, "\(error)") }
                try? await Task.sleep(for: backoff.next())
            }
        }
    }

    private func note(_ claimed: ClaimedDelivery, _ outcome: DeliveryOutcome, isWritten: Bool) {
        guard isWritten else { return JobMetrics.leaseLost() }
        JobMetrics.attemptEnded(claimed.action.kind, outcome)
        if case .dead(let reason) = outcome { log("delivery.dead", claimed, reason) }
        if case .disabled(let reason) = outcome { log("action.disabled", claimed, reason) }
    }

    /// Leaves a delivery to its lease, which has run out or will.
    func abandon(_ claimed: ClaimedDelivery, _ reason: String) {
        log("delivery.not_finished", claimed, reason)
        hand.release(claimed)
    }

    private func log(_ message: Logger.Message, _ claimed: ClaimedDelivery, _ reason: String) {
        logger.notice(
            message,
            metadata: [
                "delivery.id": "\(claimed.delivery.id)", "delivery.kind": "\(claimed.action.kind.rawValue)",
                "delivery.attempt": "\(claimed.delivery.attempt)", "trigger.id": "\(claimed.delivery.triggerID)",
                "reason": "\(reason)",
            ])
    }
}
