import ActionModel
import EventStore

extension Components {
    static let delivery = Schema.object([
        .always("id", .uuid, "The same for every attempt."),
        .always("type", .choice(ActionKind.self)),
        .always("status", .choice(DeliveryStatus.self)),
        .always("trigger_id", .uuid),
        .always("trigger_version", .integer(1...Int(Int32.max))),
        .always("action_index", .count, "Which of the trigger's actions, from 0."),
        .always("firing_id", .uuid),
        .always("event_id", .uuid),
        .always("attempt", .count, "Attempts begun."),
        .always("max_attempts", .count),
        .orNull("endpoint", .text(), "Where it goes."),
        .always("run_at", .time, "When the next attempt is due, or the last one was."),
        .orNull("next_attempt_reason", .text()),
        .orNull("last_error", .text()),
        .always("created_at", .time),
        .orNull("finished_at", .time),
        .sometimes("parts_sent", .count),
        .orNull("replay_of", .uuid),
        .orNull("replayed_as", .uuid),
        .orNull("replay_id", .uuid),
        .sometimes("attempts", .array(of: .reference("DeliveryAttempt")), "Only where one delivery is asked for."),
    ])

    static let attempt = Schema.object([
        .always("attempt", .count, "Its number, from 1."),
        .always("started_at", .time),
        .always("duration_ms", .count),
        .orNull("status_code", .count, "Of the answer."),
        .orNull("error", .text()),
        .orNull("request", .text(), "Its beginning, without secrets."),
        .orNull("response", .text(), "Its beginning."),
        .orNull("details", .anyObject, "Method, URL, header fields, address and timings."),
        .orNull("next_attempt_at", .time),
        .orNull("next_attempt_reason", .text()),
    ])

    private static let bounds: [Property] = [
        .optional("trigger_id", .uuid), .optional("event_id", .uuid), .optional("type", .choice(ActionKind.self)),
        .optional("from", .time), .optional("to", .time),
    ]

    /// Which deliveries are meant; at least one member.
    static let deliveryFilter = Schema.order(
        [.optional("status", .choice(["succeeded", "dead", "cancelled"]))] + bounds
    ).with("minProperties", 1)

    /// Which deliveries are deleted.
    static let purgeFilter = Schema.order([.optional("status", .choice(["dead", "cancelled"]))] + bounds)
        .with("minProperties", 1)

    private static let breakerProperties: [Property] = [
        .always("endpoint", .text()),
        .always("state", .choice(CircuitBreaker.State.self)),
        .always("held", .flag, "Whether a person opened it until further notice."),
        .orNull("open_until", .time),
        .always("openings", .count, "How often it opened since it was closed."),
        .always("failures_in_a_row", .count),
        .always("successes_in_window", .count),
        .always("failures_in_window", .count),
        .orNull("reason", .text()),
    ]

    static let breaker = Schema.object(
        [.always("id", .uuid)] + breakerProperties + [.always("changed_at", .time), .always("updated_at", .time)])

    static let triggerBreakers = Schema.object([
        .always("trigger_id", .uuid),
        .always("state", .choice(CircuitBreaker.State.self), "The worst of them."),
        .always("endpoints", .array(of: .object(breakerProperties))),
    ])

    // MARK: Sources

    private static let part: [Property] = [
        .optional("header", .text(1...256), "The name of a header field."),
        .optional("path", .text(1...1_024), "A path into the payload."),
    ]

    private static let verification = Schema.order([
        .always("scheme", .choice(SourceVerification.Scheme.self)),
        .optional("secrets", .array(of: .text(1...512), count: 1...5), "Any of them may have signed."),
        .optional("username", .text(1...200), "For `basic`."),
        .optional("tolerance_seconds", .integer(1...86_400), "Where a time is signed."),
        .optional("header", .text(1...256), "For `hmac`, as all that follow."),
        .optional("algorithm", .choice(["sha256", "sha512", "sha1"])),
        .optional("encoding", .choice(["hex", "base64"])),
        .optional("prefix", .text(0...100)),
        .optional("timestamp_header", .text(1...256)),
        .optional("signed_content", .text(1...200), "Of `{timestamp}` and `{body}`."),
    ])

    static let newSource = Schema.order(
        ["id", "hook_path", "created_at", "updated_at"].map {
            .sometimes($0, .anything, "Passed over, so that what was got can be put back.")
        } + [
            .always("name", .line(1...200), "Unique in the organization; the `source` of its events."),
            .optional("description", .text(0...2_000)),
            .optional("enabled", .flag),
            .always(
                "event_type",
                .any(of: [
                    .line(1...255),
                    .order(part + [.optional("prefix", .line(1...100)), .optional("default", .line(1...255))]),
                ]), "A type, or where in a delivery it is."),
            .optional("subject_path", .text(1...1_024)),
            .optional("delivery_id", .order(part), "Where the sender's id of a delivery is."),
            .optional("headers", .array(of: .text(1...256), count: 0...20), "Header fields that are kept."),
            .always("verification", verification, "How a delivery proves who sent it."),
        ])

    static let source = Schema.object([
        .always("id", .uuid),
        .always("name", .text()),
        .sometimes("description", .text()),
        .always("enabled", .flag),
        .always("event_type", .any(of: [.text(), .anyObject])),
        .sometimes("subject_path", .text()),
        .sometimes("delivery_id", .anyObject),
        .always("headers", .array(of: .text())),
        .always("verification", .anyObject, "Secrets are masked."),
        .always("hook_path", .text(), "Where deliveries are posted; as secret as it is unguessable."),
        .always("created_at", .time),
        .always("updated_at", .time),
    ])
}
