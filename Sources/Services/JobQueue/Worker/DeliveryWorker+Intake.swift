import ActionModel
import EventModel
import EventStore
import Logging
import Runtime

extension DeliveryWorker {
    /// Deliveries that one statement claims: half of what may be in hand, so that one half is sent while the other is
    /// claimed.
    private var claimLimit: Int { settings.concurrency * 2 }

    /// Takes in deliveries until the hand is closed: by the ids in Redis, and while Redis is away, from PostgreSQL.
    func takeIn(into attempts: inout DiscardingTaskGroup) async {
        var absence = Backoff(initial: .seconds(1), maximum: .seconds(10), minimum: .milliseconds(500))
        var isAway = false
        while !hand.isClosed {
            do {
                // A connection that can be made proves little; one that answers ends the absence.
                try await takeFromRedis(into: &attempts) {
                    if isAway { logger.notice("worker.redis_is_back") }
                    isAway = false
                    absence.reset()
                }
            } catch {
                if !isAway {
                    logger.warning("worker.redis_is_away", metadata: ["error": "\(error)"])
                    isAway = true
                }
                await takeFromRows(into: &attempts, for: absence.next())
            }
        }
    }

    /// Pops and claims until the hand is closed.
    ///
    /// - Throws: when Redis does not answer.
    private func takeFromRedis(
        into attempts: inout DiscardingTaskGroup, answered: () -> Void
    ) async throws {
        try await queue.withPopper { popper in
            var order = ReadyList.all(of: kinds)
            while true {
                let room = await hand.room()
                guard room > 0 else { return }
                let ids = try await popper.pop(order, limit: min(room, claimLimit))
                answered()
                // The list that is asked first wins; so each is first in its turn.
                order.append(order.removeFirst())
                guard !ids.isEmpty else { continue }
                await claim(ids, into: &attempts)
            }
        }
    }

    /// Claims popped ids. Those that PostgreSQL does not let us claim now stay ready, and a promoter pushes them again.
    private func claim(_ ids: [UniqueID], into attempts: inout DiscardingTaskGroup) async {
        let asked = ContinuousClock.now
        do {
            let claimed = try await store.claim(Array(Set(ids)), leaseSeconds: settings.leaseSeconds)
            await distribute(claimed, asked: asked, into: &attempts)
        } catch {
            logger.warning("worker.claim_failed", metadata: ["error": "\(error)"])
            try? await Task.sleep(for: settings.poll)
        }
    }

    /// Claims ready rows straight from PostgreSQL for a while.
    private func takeFromRows(into attempts: inout DiscardingTaskGroup, for duration: Duration) async {
        let end = ContinuousClock.now.advanced(by: duration)
        while ContinuousClock.now < end {
            var found = 0
            for kind in kinds {
                let room = await hand.room()
                guard room > 0 else { return }
                let asked = ContinuousClock.now
                do {
                    let claimed = try await store.claimAny(
                        kind, limit: min(room, claimLimit), leaseSeconds: settings.leaseSeconds)
                    found += claimed.count
                    await distribute(claimed, asked: asked, into: &attempts)
                } catch {
                    logger.warning("worker.claim_failed", metadata: ["error": "\(error)"])
                }
            }
            if found == 0 { try? await Task.sleep(for: settings.poll * Double.random(in: 0.5..<1)) }
        }
    }
}
