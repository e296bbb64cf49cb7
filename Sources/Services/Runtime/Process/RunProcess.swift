import CoreMetrics
import Glibc
import Logging
import ServiceLifecycle
import UnixSignals

/// Runs a process from its configuration to its exit code.
///
/// Reads the configuration, sets up logging and metrics, builds the services and runs them in one group. The order
/// of the services is the order of their start; they are stopped in reverse, so put first what others depend on.
///
/// - SIGTERM or SIGINT stops gracefully: intake ends, what is in hand finishes, exit 0.
/// - A second signal, or 30 seconds, ends it hard.
/// - A service that fails or returns stops the others gracefully, and the process exits 1 with one line that says why.
/// - A configuration that is not accepted exits 78 (`EX_CONFIG`): starting again would not help.
public func runProcess(
    _ name: String, metrics descriptions: [MetricDescription] = [],
    build: @Sendable (ProcessContext) async throws -> [any Service]
) async -> Never {
    // A peer that closes its socket must be an error of that write, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    do {
        let configuration = try await ColliderConfiguration.load()
        let logger = ServiceLogging.bootstrap(configuration, service: name)
        let metrics = PrometheusMetrics(descriptions: descriptions)
        MetricsSystem.bootstrap(metrics)
        let context = ProcessContext(name: name, configuration: configuration, logger: logger, metrics: metrics)
        let services = try await build(context)
        logger.info("process.started", metadata: ["process.version": "\(ColliderVersion.current)"])
        try await runUntilSignalled(name, services, logger: logger)
        logger.info("process.stopped")
        exit(0)
    } catch let error as ConfigurationError {
        complain(name, "\(error)")
        exit(78)
    } catch is CancellationError {
        complain(name, "did not stop within 30 seconds and was ended")
        exit(1)
    } catch {
        complain(name, "\(error)")
        exit(1)
    }
}

private func runUntilSignalled(_ name: String, _ services: [any Service], logger: Logger) async throws {
    var configuration = ServiceGroupConfiguration(
        services: services.map {
            // A service that returns by itself has died too, only more quietly: the default, an error, is right.
            ServiceGroupConfiguration.ServiceConfiguration(
                service: $0, failureTerminationBehavior: .gracefullyShutdownGroup,
                serviceName: String(describing: type(of: $0)))
        }, logger: logger)
    configuration.maximumGracefulShutdownDuration = .seconds(30)
    // The last resort against a service that ignores cancellation: the group then stops the process.
    configuration.maximumCancellationDuration = .seconds(5)
    let group = ServiceGroup(configuration: configuration)
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)

    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask {
            var isStopping = false
            for await signal in signals {
                if isStopping {
                    complain(name, "stopped by a second signal, without finishing what was in hand")
                    _exit(1)
                }
                isStopping = true
                logger.info("process.stopping", metadata: ["process.signal": "\(signal)"])
                await group.triggerGracefulShutdown()
            }
        }
        defer { tasks.cancelAll() }
        try await group.run()
    }
}

/// One line on standard error, whatever the log format: this is for whoever started the process.
private func complain(_ name: String, _ message: String) {
    let line = Array("\(name): \(message.replacing("\n", with: " "))\n".utf8)
    _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
