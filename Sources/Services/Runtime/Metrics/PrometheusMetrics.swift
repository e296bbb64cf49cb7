import CoreMetrics
import Synchronization

/// Collects what swift-metrics reports and writes it in the Prometheus text exposition format 0.0.4.
///
/// Labels become names by the Prometheus conventions: dots and dashes turn into underscores, counters end with
/// `_total`, timers are histograms in seconds and end with `_seconds`. Recorders that aggregate are histograms with
/// buckets for counts and sizes; the others are gauges.
///
/// Memory is bounded: a metric keeps at most ``maximumSeries`` combinations of label values. More are not recorded and
/// counted in `metrics_dropped_series_total`.
public final class PrometheusMetrics: MetricsFactory {
    /// Media type of ``text()``.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"
    /// Most label combinations of one metric.
    public let maximumSeries: Int

    private let descriptions: [String: String]
    private let state = Mutex(State())

    private struct State {
        var families: [String: MetricFamily] = [:]
        var droppedSeries = 0
    }

    /// Creates an empty collection; a description gives its metric the HELP line.
    public init(descriptions: [MetricDescription] = [], maximumSeries: Int = 500) {
        self.maximumSeries = maximumSeries
        self.descriptions = Dictionary(descriptions.map { ($0.label, $0.help) }) { _, last in last }
    }

    /// Everything recorded so far, metrics and series in the order of their names.
    public func text() -> String {
        let (families, dropped) = state.withLock { ($0.families, $0.droppedSeries) }
        var text = PrometheusText()
        for family in families.values.sorted(by: { $0.name < $1.name }) { text.append(family) }
        text.appendCounter("metrics_dropped_series_total", "Series not recorded because of the bound.", dropped)
        return text.text
    }

    // MARK: MetricsFactory

    // swift-format-ignore: AllPublicDeclarationsHaveDocumentation
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        let name = PrometheusName.metric(label, suffix: "_total")
        return series(name, label, .counter, dimensions) { CounterSeries() } ?? NOOPMetricsHandler.instance
    }

    // swift-format-ignore: AllPublicDeclarationsHaveDocumentation
    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        let name = PrometheusName.metric(label, suffix: "_total")
        return series(name, label, .counter, dimensions) { FloatingPointCounterSeries() } ?? DiscardedSeries()
    }

    // swift-format-ignore: AllPublicDeclarationsHaveDocumentation
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(PrometheusName.metric(label), label, .gauge, dimensions) { GaugeSeries() } ?? DiscardedSeries()
    }

    // swift-format-ignore: AllPublicDeclarationsHaveDocumentation
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        let name = PrometheusName.metric(label)
        guard aggregate else {
            return series(name, label, .gauge, dimensions) { GaugeSeries() } ?? NOOPMetricsHandler.instance
        }
        return series(name, label, .histogram, dimensions) { HistogramSeries(bounds: HistogramSeries.amounts) }
            ?? NOOPMetricsHandler.instance
    }

    // swift-format-ignore: AllPublicDeclarationsHaveDocumentation
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let name = PrometheusName.metric(label, suffix: "_seconds")
        return series(name, label, .histogram, dimensions) { HistogramSeries(bounds: HistogramSeries.seconds) }
            ?? NOOPMetricsHandler.instance
    }

    // Prometheus counts from the start of the process, so a series outlives the object that reported it.

    // swift-format-ignore: AllPublicDeclarationsHaveDocumentation
    public func destroyCounter(_ handler: any CounterHandler) {}
    // swift-format-ignore: AllPublicDeclarationsHaveDocumentation
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    // swift-format-ignore: AllPublicDeclarationsHaveDocumentation
    public func destroyMeter(_ handler: any MeterHandler) {}
    // swift-format-ignore: AllPublicDeclarationsHaveDocumentation
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    // swift-format-ignore: AllPublicDeclarationsHaveDocumentation
    public func destroyTimer(_ handler: any TimerHandler) {}

    /// The series of these label values, made on first use; nil when the bound is reached or the name has another kind.
    private func series<Series: MetricSeries>(
        _ name: String, _ label: String, _ kind: MetricFamily.Kind, _ dimensions: [(String, String)],
        make: () -> Series
    ) -> Series? {
        let labels = PrometheusName.labels(dimensions)
        return state.withLock { state in
            var family =
                state.families[name]
                ?? MetricFamily(name: name, help: descriptions[label] ?? "Recorded as \(label).", kind: kind)
            if let known = family.series[labels] { return known as? Series }
            guard family.kind == kind, family.series.count < maximumSeries else {
                state.droppedSeries += 1
                return nil
            }
            let series = make()
            family.series[labels] = series
            state.families[name] = family
            return series
        }
    }
}
