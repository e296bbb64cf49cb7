import Metrics
public import Runtime

/// What retention counts.
public enum RetentionMetrics {
    /// Their meanings, for `/metrics`.
    public static let descriptions = [
        MetricDescription("retention_partitions", "Daily partitions, by table."),
        MetricDescription("retention_dropped_partitions", "Partitions dropped by age, by table."),
        MetricDescription(
            "retention_blocked_partitions",
            "Partitions that the policies let go and something else still holds, by table; the log says what."),
    ]

    static func counted(_ table: String, partitions: Int, blocked: Int) {
        Gauge(label: "retention_partitions", dimensions: [("table", table)]).record(partitions)
        Gauge(label: "retention_blocked_partitions", dimensions: [("table", table)]).record(blocked)
    }

    static func dropped(_ table: String) {
        Counter(label: "retention_dropped_partitions", dimensions: [("table", table)]).increment()
    }
}
