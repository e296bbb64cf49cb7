public import Metrics
public import Runtime

/// What the group commit measures of itself.
public struct LogMetrics: Sendable {
    /// What `/metrics` says about each series.
    public static let descriptions = [
        MetricDescription("log_commit_events", "Events of a commit."),
        MetricDescription("log_commit_duration", "Time from the statement of a commit to its answer."),
        MetricDescription("log_queue_events", "Events that wait for the next commit."),
    ]

    private let events: Recorder
    private let duration: Timer
    private let queue: Recorder

    /// Makes the instruments.
    public init(factory: any MetricsFactory = MetricsSystem.factory) {
        events = Recorder(label: "log_commit_events", dimensions: [], aggregate: true, factory: factory)
        duration = Timer(label: "log_commit_duration", dimensions: [], factory: factory)
        queue = Recorder(label: "log_queue_events", dimensions: [], aggregate: false, factory: factory)
    }

    func committed(_ count: Int, duration: Duration) {
        events.record(count)
        self.duration.record(duration: duration)
    }

    func queued(_ count: Int) {
        queue.record(count)
    }
}
