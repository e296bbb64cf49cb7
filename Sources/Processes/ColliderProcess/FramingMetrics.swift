import Metrics
import Runtime

/// The series of the collider-writer.
enum FramingMetrics {
    static let frames = Counter(label: "writer_frames")
    static let unreadable = Counter(label: "writer_unreadable_events")
    static let failures = Counter(label: "writer_failed_batches")
    static let batch = Timer(label: "writer_batch_duration")
    static let lagEvents = Gauge(label: "writer_lag_events")
    static let lagSeconds = Gauge(label: "writer_lag_seconds")

    static let descriptions = [
        MetricDescription("writer_frames", "Frames written to the ring."),
        MetricDescription("writer_unreadable_events", "Events that got no frame because their data is no JSON."),
        MetricDescription("writer_failed_batches", "Batches that failed and are tried again."),
        MetricDescription("writer_batch_duration", "From reading a batch of the log to its saved positions."),
        MetricDescription("writer_lag_events", "Events in the log that have no frame yet."),
        MetricDescription("writer_lag_seconds", "Age of the newest framed event, while others wait behind it."),
    ]
}
