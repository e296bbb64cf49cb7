import Logging

/// What a process's `build` gets to build its services from.
public struct ProcessContext: Sendable {
    /// Name of the executable, `api-gateway`.
    public let name: String
    /// The checked configuration.
    public let configuration: ColliderConfiguration
    /// The process's own logger.
    public let logger: Logger
    /// What `/metrics` shows; already the destination of swift-metrics when ``runProcess(_:metrics:build:)`` made it.
    public let metrics: PrometheusMetrics

    /// Creates a context, as tests do.
    public init(
        name: String, configuration: ColliderConfiguration, logger: Logger,
        metrics: PrometheusMetrics = PrometheusMetrics()
    ) {
        self.name = name
        self.configuration = configuration
        self.logger = logger
        self.metrics = metrics
    }
}

/// The release that this source is.
public enum ColliderVersion {
    /// Semantic version.
    public static let current = "0.1.0"
}
