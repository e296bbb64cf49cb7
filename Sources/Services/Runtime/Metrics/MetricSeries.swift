import CoreMetrics
import Synchronization

/// All series of one name.
struct MetricFamily: Sendable {
    enum Kind: String { case counter, gauge, histogram }

    let name: String
    let help: String
    let kind: Kind
    /// By the finished label text, `{route="/events",status="2xx"}`.
    var series: [String: any MetricSeries] = [:]
}

/// One combination of label values.
protocol MetricSeries: AnyObject, Sendable {
    var value: MetricValue { get }
}

enum MetricValue {
    case integer(Int64)
    case double(Double)
    /// Counts per bucket (not yet cumulated; one more than bounds, for what lies above), and the sum.
    case histogram(bounds: [Double], counts: [UInt64], sum: Double)
}

final class CounterSeries: MetricSeries, CounterHandler {
    private let count = Atomic<Int64>(0)

    var value: MetricValue { .integer(count.load(ordering: .relaxed)) }

    func increment(by amount: Int64) {
        if amount > 0 { count.wrappingAdd(amount, ordering: .relaxed) }
    }

    func reset() { count.store(0, ordering: .relaxed) }
}

final class FloatingPointCounterSeries: MetricSeries, FloatingPointCounterHandler {
    private let sum = Mutex(0.0)

    var value: MetricValue { .double(sum.withLock { $0 }) }

    func increment(by amount: Double) {
        if amount > 0, amount.isFinite { sum.withLock { $0 += amount } }
    }

    func reset() { sum.withLock { $0 = 0 } }
}

final class GaugeSeries: MetricSeries, RecorderHandler, MeterHandler {
    private let level = Mutex(0.0)

    var value: MetricValue { .double(level.withLock { $0 }) }

    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { level.withLock { $0 = value } }
    func increment(by amount: Double) { level.withLock { $0 += amount } }
    func decrement(by amount: Double) { level.withLock { $0 -= amount } }
}

final class HistogramSeries: MetricSeries, RecorderHandler, TimerHandler {
    /// Upper bounds for durations, from half a millisecond to half a minute.
    static let seconds: [Double] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
    ]
    /// Upper bounds for counts and sizes.
    static let amounts: [Double] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000, 10_000, 100_000, 1_000_000]

    private let bounds: [Double]
    private let state: Mutex<(counts: [UInt64], sum: Double)>

    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex((counts: [UInt64](repeating: 0, count: bounds.count + 1), sum: 0))
    }

    var value: MetricValue {
        state.withLock { .histogram(bounds: bounds, counts: $0.counts, sum: $0.sum) }
    }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        guard value.isFinite else { return }
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock {
            $0.counts[bucket] += 1
            $0.sum += value
        }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
}

/// What swift-metrics' own no-op lacks: handlers of the two kinds it derives from others by default.
final class DiscardedSeries: FloatingPointCounterHandler, MeterHandler {
    func increment(by amount: Double) {}
    func decrement(by amount: Double) {}
    func set(_ value: Int64) {}
    func set(_ value: Double) {}
    func reset() {}
}
