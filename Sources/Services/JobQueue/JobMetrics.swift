import ActionModel
import EventStore
import Metrics
import Runtime

/// The queue's metrics.
public enum JobMetrics {
    /// Their meanings, for `/metrics`.
    public static let descriptions = [
        MetricDescription("jobs_attempts", "Attempts that ended, by kind of action and outcome."),
        MetricDescription("jobs_attempt_duration", "How long an attempt took, by kind of action."),
        MetricDescription("jobs_in_hand", "Deliveries that this worker has claimed and not finished."),
        MetricDescription("jobs_put_off", "Deliveries given back unattempted, by kind of action and cause."),
        MetricDescription("jobs_breakers", "Circuit breakers of all organizations, by state."),
        MetricDescription("jobs_leases_lost", "Attempts whose lease had gone to another worker."),
        MetricDescription("jobs_pushed", "Ids that the promoter pushed, by cause: due, expired, orphaned."),
    ]

    // Made once: to look a series up by its labels costs more than to count in it.
    private static let attempts = perKind { kind in
        DeliveryOutcome.labels.reduce(into: [:]) { counters, outcome in
            counters[outcome] = Counter(
                label: "jobs_attempts", dimensions: [("kind", kind.rawValue), ("outcome", outcome)])
        }
    }
    private static let durations = perKind { kind in
        Metrics.Timer(label: "jobs_attempt_duration", dimensions: [("kind", kind.rawValue)])
    }
    private static let hand = Gauge(label: "jobs_in_hand")

    private static func perKind<Metric>(_ make: (ActionKind) -> Metric) -> [ActionKind: Metric] {
        ActionKind.allCases.reduce(into: [:]) { $0[$1] = make($1) }
    }

    static func attemptEnded(_ kind: ActionKind, _ outcome: DeliveryOutcome) {
        attempts[kind]?[outcome.label]?.increment()
    }

    static func attemptTook(_ kind: ActionKind, microseconds: Int64) {
        durations[kind]?.recordMicroseconds(microseconds)
    }

    static func inHand(_ count: Int) {
        hand.record(count)
    }

    static func putOff(_ kind: ActionKind, _ cause: PutOffCause) {
        Counter(label: "jobs_put_off", dimensions: [("kind", kind.rawValue), ("cause", cause.rawValue)]).increment()
    }

    static func breakers(_ counts: [CircuitBreaker.State: Int64]) {
        for state in CircuitBreaker.State.allCases {
            Gauge(label: "jobs_breakers", dimensions: [("state", state.rawValue)]).record(counts[state, default: 0])
        }
    }

    static func leaseLost() {
        Counter(label: "jobs_leases_lost").increment()
    }

    static func pushed(_ count: Int, cause: String) {
        guard count > 0 else { return }
        Counter(label: "jobs_pushed", dimensions: [("cause", cause)]).increment(by: count)
    }
}
