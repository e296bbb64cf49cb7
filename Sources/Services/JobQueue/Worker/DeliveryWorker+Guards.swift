import ActionModel
import EventModel
import EventStore
import Logging

/// A delivery that a worker gives back, and what kind it is.
struct PutOff {
    let delivery: PutOffDelivery
    let kind: ActionKind

    init(_ claimed: ClaimedDelivery, for delay: Duration, _ cause: PutOffCause, reason: String) {
        delivery = PutOffDelivery(
            claimed.lease, delayMicroseconds: delay.microseconds, cause: cause, reason: reason)
        kind = claimed.action.kind
    }
}

extension DeliveryWorker {
    /// What keeps a delivery from being sent now, asked when its turn has come: its rate limit, which may have it wait
    /// here for up to a second, and its endpoint's breaker.
    func obstacle(_ claimed: ClaimedDelivery) async -> PutOff? {
        if let putOff = await overLimit(claimed) { return putOff }
        let key = claimed.breakerKey
        switch breakers.verdict(key, at: .now, jitter: Double.random(in: 0..<1)) {
        case .send: return nil
        case .putOff(let delay, let reason): return PutOff(claimed, for: delay, .breaker, reason: reason)
        case .ask: return await askForProbe(claimed, key)
        }
    }

    private func overLimit(_ claimed: ClaimedDelivery) async -> PutOff? {
        guard let limit = claimed.action.rateLimit else { return nil }
        let delivery = claimed.delivery
        let answer = await rateLimiter.ask(
            limit, of: RateLimiter.Action(triggerID: delivery.triggerID, index: delivery.actionIndex),
            isReturning: delivery.putOff == .rateLimit)
        switch answer {
        case .go(let wait):
            if wait > 0 { try? await Task.sleep(for: .microseconds(wait)) }
            return nil
        case .comeBack(let wait):
            return PutOff(
                claimed, for: .microseconds(wait), .rateLimit, reason: "the action's rate limit of \(limit) is used up")
        }
    }

    private func askForProbe(_ claimed: ClaimedDelivery, _ key: EndpointKey) async -> PutOff? {
        do {
            let (admission, reading) = try await store.breakers.admit(key, deliveryID: claimed.delivery.id)
            breakers.settled(key, reading, at: .now)
            guard case .wait = admission else { return nil }
        } catch {
            logger.warning("worker.breaker_failed", metadata: ["error": "\(error)"])
        }
        return PutOff(
            claimed, for: EndpointBreakers.probeDelay * Double.random(in: 1..<2), .breaker,
            reason: "one delivery is finding out whether \(key.endpoint) works again")
    }

    /// Notes what an attempt says about its endpoint, and tells the store where that matters.
    func note(_ health: EndpointHealth, of claimed: ClaimedDelivery) async {
        let key = claimed.breakerKey
        switch breakers.note(EndpointOutcome(health, of: claimed.delivery.id), of: key, at: .now) {
        case .no: return
        case .wait: return await breakers.waitUntilSettled(key)
        case .settle: await settle(key)
        }
    }

    private func settle(_ key: EndpointKey) async {
        while let pending = breakers.takePending(key) {
            do {
                let told = pending.map { (outcome: $0.outcome, agoMicroseconds: $0.at.duration(to: .now).microseconds) }
                breakers.settled(key, try await store.breakers.settle(key, told), at: .now)
            } catch {
                logger.warning("worker.breaker_failed", metadata: ["error": "\(error)"])
                return breakers.unsettled(key, pending)
            }
        }
    }
}
