import Metrics
import Runtime

/// The series of the event-processor.
enum ProcessorMetrics {
    static let events = Counter(label: "processor_events")
    static let firings = Counter(label: "processor_firings")
    static let unreadable = Counter(label: "processor_unreadable_events")
    static let failures = Counter(label: "processor_failed_batches")

    static let descriptions = [
        MetricDescription("processor_events", "Events evaluated."),
        MetricDescription("processor_firings", "Firings written."),
        MetricDescription("processor_unreadable_events", "Events skipped because their data is no JSON."),
        MetricDescription("processor_failed_batches", "Batches undone by an error and tried again."),
    ]
}
