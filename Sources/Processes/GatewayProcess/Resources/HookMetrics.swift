import EventStore
import Metrics
import Runtime

/// What becomes of the deliveries of sources.
final class HookMetrics: Sendable {
    static let descriptions = [
        MetricDescription(
            "gateway_hook_deliveries",
            "Verified deliveries of sources, by result: accepted, duplicate, conflict, challenge, rejected."),
        MetricDescription(
            "gateway_hook_refusals",
            "Deliveries refused before they were read as events, by reason: unknown and disabled source, missing or "
                + "malformed header, wrong signature, timestamp or credentials."),
    ]

    /// What became of a delivery that was taken for its sender's, or that is unfit whoever sent it.
    enum Result: String, CaseIterable { case accepted, duplicate, conflict, challenge, rejected }

    /// Why a delivery was turned away.
    enum Refusal: String, CaseIterable {
        case unknown, disabled, missing, malformed, signature, timestamp, credentials

        init(_ refusal: HookRefusal) {
            self =
                switch refusal {
                case .missing: .missing
                case .malformed: .malformed
                case .signature: .signature
                case .timestamp: .timestamp
                case .credentials: .credentials
                }
        }
    }

    private let results: [Result: Counter]
    private let refusals: [Refusal: Counter]

    init(factory: any MetricsFactory) {
        results = Self.counters("gateway_hook_deliveries", "result", factory)
        refusals = Self.counters("gateway_hook_refusals", "reason", factory)
    }

    func answered(_ result: Result) { results[result]?.increment() }

    func refused(_ reason: Refusal) { refusals[reason]?.increment() }

    private static func counters<Value: RawRepresentable & CaseIterable & Hashable>(
        _ label: String, _ dimension: String, _ factory: any MetricsFactory
    ) -> [Value: Counter] where Value.RawValue == String {
        Dictionary(
            uniqueKeysWithValues: Value.allCases.map {
                ($0, Counter(label: label, dimensions: [(dimension, $0.rawValue)], factory: factory))
            })
    }
}
