import EventModel
import Metrics
import Runtime
import Synchronization

/// What is known about the framing: how far it is behind, and whether it goes on.
final class FramingHealth: Sendable {
    /// Longer than this without a look at the log, and the lag is not known any more.
    private static let longestSilence: Int64 = 10_000_000

    private struct State {
        var looked: Timestamp?
        var lag: Int64 = 0
        var frames: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Notes a look at the log, or a batch whose newest event was received at a time.
    ///
    /// The lag in seconds is how long ago that was, because the events behind it came not much later. A mere look says
    /// only when there is none.
    func looked(at time: Timestamp, lag: Int64, frames: UInt64, newest: Timestamp?) {
        state.withLock { $0 = State(looked: time, lag: lag, frames: frames) }
        FramingMetrics.lagEvents.record(lag)
        if lag == 0 {
            FramingMetrics.lagSeconds.record(0)
        } else if let newest {
            FramingMetrics.lagSeconds.record(Double(max(0, time.microseconds - newest.microseconds)) / 1_000_000)
        }
    }

    /// Ready while the lag is known; its text is the lag.
    var readiness: ReadinessCheck {
        ReadinessCheck("ring") { [self] in
            let state = state.withLock { $0 }
            guard let looked = state.looked else { return .failing("the log has not been read yet") }
            let silence = Timestamp.now().microseconds - looked.microseconds
            guard silence < Self.longestSilence else {
                return .failing("the log has not been read for \(silence / 1_000_000) s")
            }
            return .ready("\(state.frames) frames, \(state.lag) events behind")
        }
    }
}
