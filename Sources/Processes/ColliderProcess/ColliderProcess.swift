import EmbeddingSource
import EventStore
import FrameModel
import FrameRing
import Metrics
import Runtime
import ServiceLifecycle

/// The collider-writer: follows the log and writes a frame of every event into the shared-memory ring.
public enum ColliderProcess {
    /// What `/metrics` says about each series.
    public static let metrics = FramingMetrics.descriptions + EmbeddingMetrics.descriptions

    /// The release, for `--version`.
    public static let version = ColliderVersion.current

    /// Runs the process to its exit code; see `runProcess`.
    public static func run() async -> Never {
        await runProcess("collider-writer", metrics: metrics, build: { try await build($0) })
    }

    /// The services of the process, in the order of their start.
    ///
    /// - Throws: `RingError` when the ring can't be opened; its message says what to do. `ConfigurationError` when an
    ///   embedding endpoint is configured without a model.
    public static func build(_ context: ProcessContext) async throws -> [any Service] {
        let settings = context.configuration
        let endpoint = try EndpointEmbedder(settings.embedding, logger: context.logger)
        let ring = try RingWriter(
            path: settings.ring.path, capacity: settings.ring.capacity,
            layout: FrameLayout(rawValue: settings.ring.layout) ?? .full, now: .now())
        let pool = EventStorePool.make(settings.database, role: .pipeline, name: context.name, logger: context.logger)
        let wakeUps = WakeUps(settings.database, role: .pipeline, channels: [.newEvent], logger: context.logger)
        let framing = Framing(
            ring: ring, log: LogReader(pool: pool), report: PositionReport(ring: settings.ring.path),
            fields: FieldStore(pool: pool), embedder: endpoint ?? BuiltInEmbedder(), wakeUps: wakeUps,
            logger: context.logger)
        let health = HealthServer(
            port: settings.writerMetricsPort, portKey: "WRITER_METRICS_PORT",
            endpoints: HealthEndpoints(checks: [.database(pool), framing.readiness], metrics: context.metrics),
            logger: context.logger)
        // The framing stops first, because it asks the others.
        return [pool, wakeUps, health] + (endpoint.map { [$0] } ?? []) + [framing]
    }
}
