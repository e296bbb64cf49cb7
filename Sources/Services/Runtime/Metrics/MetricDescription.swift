/// What a metric means, for the HELP line and the table in the documentation.
public struct MetricDescription: Sendable {
    /// The label given to swift-metrics, `gateway.http_requests`.
    public let label: String
    /// One sentence without a line break.
    public let help: String

    /// Describes a metric.
    public init(_ label: String, _ help: String) {
        self.label = label
        self.help = help
    }
}
