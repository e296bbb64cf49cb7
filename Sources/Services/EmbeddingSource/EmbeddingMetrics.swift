import CoreMetrics
import Metrics
public import Runtime

/// The series of the embedding endpoint.
public enum EmbeddingMetrics {
    /// What `/metrics` says about each.
    public static let descriptions = [
        MetricDescription(
            "embedding_requests", "Requests to the embedding endpoint, by outcome: answered, refused, failed."),
        MetricDescription("embedding_request_duration", "How long the embedding endpoint took to answer."),
        MetricDescription("embedding_texts", "Texts to embed, by where the vector came from: cache, model, standin."),
        MetricDescription("embedding_waiting_texts", "Texts that wait for the endpoint or are with it."),
    ]

    enum Outcome: String {
        case answered, refused, failed
    }

    enum Origin: String {
        case cache, model, standin
    }

    private static let duration = Timer(label: "embedding_request_duration")
    private static let waiting = Gauge(label: "embedding_waiting_texts")

    static func answered(after time: Duration) {
        asked(.answered)
        duration.record(duration: time)
    }

    static func waiting(_ count: Int) { waiting.record(count) }

    static func asked(_ outcome: Outcome) {
        Counter(label: "embedding_requests", dimensions: [("outcome", outcome.rawValue)]).increment()
    }

    static func embedded(_ origin: Origin, _ count: Int) {
        guard count > 0 else { return }
        Counter(label: "embedding_texts", dimensions: [("origin", origin.rawValue)]).increment(by: count)
    }
}
