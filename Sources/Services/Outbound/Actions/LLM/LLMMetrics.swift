import ActionModel
import Metrics
public import Runtime

/// The metrics of the language model.
public enum LLMMetrics {
    /// Their meanings, for `/metrics`.
    public static let descriptions = [
        MetricDescription("llm_tokens", "Tokens that the language model used, by part: prompt, completion."),
        MetricDescription(
            "llm_answers", "Questions of llm actions by outcome: usable, repaired, cached, unusable, failed, put_off."),
    ]

    enum Outcome: String {
        case usable
        case repaired
        case cached
        case unusable
        case failed
        case putOff = "put_off"
    }

    static func used(_ usage: ChatCompletion.Usage) {
        Counter(label: "llm_tokens", dimensions: [("part", "prompt")]).increment(by: usage.promptTokens)
        Counter(label: "llm_tokens", dimensions: [("part", "completion")]).increment(by: usage.completionTokens)
    }

    static func ended(_ outcome: Outcome) {
        Counter(label: "llm_answers", dimensions: [("outcome", outcome.rawValue)]).increment()
    }
}
