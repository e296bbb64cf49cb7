import Metrics
import Runtime

/// The series of the event-processor.
enum ProcessorMetrics {
    static let events = Counter(label: "processor_events")
    static let firings = Counter(label: "processor_firings")
    static let unreadable = Counter(label: "processor_unreadable_events")
    static let failures = Counter(label: "processor_failed_batches")
    static let indexed = Counter(label: "processor_indexed_events")
    static let indexFailures = Counter(label: "processor_failed_index_blocks")
    static let indexLag = Gauge(label: "processor_index_lag_events")

    static let descriptions = [
        MetricDescription("processor_events", "Events evaluated."),
        MetricDescription("processor_firings", "Firings written."),
        MetricDescription("processor_unreadable_events", "Events skipped because their data is no JSON."),
        MetricDescription("processor_failed_batches", "Batches undone by an error and tried again."),
        MetricDescription("processor_indexed_events", "Events added to the index that lists are searched by."),
        MetricDescription(
            "processor_failed_index_blocks", "Blocks of the log that could not be indexed and are tried again."),
        MetricDescription(
            "processor_index_lag_events",
            "Events not in that index yet; up to 511 of each part in use, because only whole blocks are."),
    ]
}
