import EventStore
import Logging
import Metrics
import Runtime
import ServiceLifecycle

/// Keeps the index of the log that lists of events are searched by.
///
/// It has a loop and connections of its own, stays behind the evaluation, and while that has work left it rests for as
/// long as it has worked: an index that lags makes searches slower and never wrong, firings that lag are late.
struct Indexing: Service {
    /// Between two looks for a whole block.
    private static let pause = Duration.milliseconds(500)

    let indexer: SearchIndexer
    let lag: FollowerLag
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var backoff = Backoff(initial: .milliseconds(500), maximum: .seconds(30))
            var isEnrolled = false
            while !Task.isCancelled {
                let rest: Duration
                do {
                    if !isEnrolled { try await indexer.enrol() }
                    isEnrolled = true
                    rest = try await indexNext()
                    backoff.reset()
                } catch {
                    rest = backoff.next()
                    guard !Task.isCancelled else { return }
                    ProcessorMetrics.indexFailures.increment()
                    logger.warning("indexing.failed", metadata: ["error": "\(error)"])
                }
                if rest > .zero { try? await Task.sleep(for: rest) }
            }
        }
    }

    /// Indexes a block; returns how long to rest then.
    private func indexNext() async throws -> Duration {
        let start = ContinuousClock.now
        let progress = try await indexer.indexNext()
        ProcessorMetrics.indexLag.record(try await lag.events())
        guard progress.events > 0 else { return Self.pause }
        ProcessorMetrics.indexed.increment(by: progress.events)
        return progress.isLeaderBehind ? start.duration(to: .now) : .zero
    }
}
