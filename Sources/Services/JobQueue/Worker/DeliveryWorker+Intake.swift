import ActionModel
import EventModel
import EventStore
import Logging
import Runtime

extension DeliveryWorker {
    /// Rows of one statement at most: what is read at a time stays in memory until it is all taken apart.
    private static var maximumClaim: Int { 128 }

    /// Deliveries that one statement claims: half of what may be in hand, so that one half is sent while the other is
    /// claimed.
    private func claimLimit(_ intake: Intake) -> Int {
        let half = intake == .new ? settings.concurrency * 2 : max(1, settings.concurrency * 3 / 2)
        return min(half, Self.maximumClaim)
    }

    /// Takes in deliveries on one of the two ways until the hand is closed: by the ids in Redis, and while Redis is
    /// away, from PostgreSQL, where both are one.
    func takeIn(_ intake: Intake, into attempts: inout DiscardingTaskGroup) async {
        var absence = Backoff(initial: .seconds(1), maximum: .seconds(10), minimum: .milliseconds(500))
        var isAway = false
        while !hand.isClosed {
            do {
                // A connection that can be made proves little; one that answers ends the absence.
                try await takeFromRedis(intake, into: &attempts) {
                    if isAway, intake == .new { logger.notice("worker.redis_is_back") }
                    isAway = false
                    absence.reset()
                }
            } catch {
                guard intake == .new else {
                    await sleep(absence.next())
                    continue
                }
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
        _ intake: Intake, into attempts: inout DiscardingTaskGroup, answered: () -> Void
    ) async throws {
        try await queue.withPopper { popper in
            var lists = kinds.map { ReadyList($0, isLater: intake == .later) }
            var pace = YieldingPace(fullBatch: claimLimit(.later))
            while await hand.hasRoom(for: intake) {
                defer { hand.endBatch(for: intake) }
                let ids = try await popper.pop(lists) {
                    let limit =
                        intake == .new ? claimLimit(.new) : pace.batch(isYielding: arrivals.areComing(at: .now))
                    return hand.setAside(limit, for: intake)
                }
                answered()
                // The list that is asked first wins; so each is first in its turn.
                lists.append(lists.removeFirst())
                guard !ids.isEmpty else { continue }
                if intake == .new { arrivals.note(at: .now) }
                let asked = ContinuousClock.now
                let claimed = await claim(ids, into: &attempts)
                guard intake == .later else { continue }
                hand.endBatch(for: intake)
                let rest = pace.rest(
                    after: asked.duration(to: .now), lateness: claimed.lateness,
                    share: Double(claimed.count) / Double(ids.count), isYielding: arrivals.areComing(at: .now))
                if rest > .zero { await sleep(min(rest, .seconds(1))) }
            }
        }
    }

    /// Claims popped ids. Those that PostgreSQL does not let us claim now stay ready, and a promoter pushes them again.
    ///
    /// - Returns: how many could be claimed, and how long the first of them had been due.
    private func claim(
        _ ids: [UniqueID], into attempts: inout DiscardingTaskGroup
    ) async -> (count: Int, lateness: Duration?) {
        let asked = ContinuousClock.now
        do {
            let claimed = try await store.claim(Array(Set(ids)), leaseSeconds: settings.leaseSeconds)
            await distribute(claimed, asked: asked, into: &attempts)
            let due = claimed.map(\.delivery.runAt).min()
            let lateness = due.map { Duration.microseconds(Timestamp.now().microseconds - $0.microseconds) }
            return (claimed.count, lateness)
        } catch {
            logger.warning("worker.claim_failed", metadata: ["error": "\(error)"])
            await sleep(settings.poll)
            return (0, nil)
        }
    }

    /// Claims ready rows straight from PostgreSQL for a while.
    private func takeFromRows(into attempts: inout DiscardingTaskGroup, for duration: Duration) async {
        let end = ContinuousClock.now.advanced(by: duration)
        while ContinuousClock.now < end {
            var found = 0
            for kind in kinds {
                guard await hand.hasRoom(for: .new) else { return }
                let limit = hand.setAside(claimLimit(.new), for: .new)
                defer { hand.endBatch(for: .new) }
                let asked = ContinuousClock.now
                do {
                    let claimed = try await store.claimAny(kind, limit: limit, leaseSeconds: settings.leaseSeconds)
                    found += claimed.count
                    await distribute(claimed, asked: asked, into: &attempts)
                } catch {
                    logger.warning("worker.claim_failed", metadata: ["error": "\(error)"])
                }
            }
            if found == 0 { await sleep(settings.poll * Double.random(in: 0.5..<1)) }
        }
    }

    private func sleep(_ duration: Duration) async {
        try? await Task.sleep(for: duration)
    }
}
