import ActionModel
import EventStore
import TriggerEngine

/// The schemas that have names in the document.
enum Components {
    static let schemas: [(name: String, schema: Schema)] =
        [
            ("Problem", problem), ("NewEvent", newEvent), ("Event", event), ("StoredEvent", storedEvent),
            ("BatchResult", batchResult), ("CloudEvent", cloudEvent), ("EventStatistics", eventStatistics),
            ("EventExplanation", eventExplanation), ("Explanation", explanation),
            ("NewTrigger", newTrigger), ("TriggerPatch", triggerPatch), ("Trigger", trigger),
            ("TriggerChange", triggerChange), ("TriggerPreview", triggerPreview), ("TriggerVersion", triggerVersion),
            ("Shadow", shadow), ("TriggerTest", triggerTest), ("Calibration", calibration),
            ("Action", action), ("Retry", retry), ("RateLimit", rateLimit), ("Firing", firing), ("Backtest", backtest),
            ("DeliveryFilter", deliveryFilter), ("Delivery", delivery), ("DeliveryAttempt", attempt),
            ("Replay", replay),
            ("CircuitBreaker", breaker), ("TriggerBreakers", triggerBreakers), ("NewSource", newSource),
            ("Source", source), ("LearnedSchema", learnedSchema), ("Usage", usage), ("Health", health),
            ("Readiness", readiness),
        ] + identity

    static let exampleID: JSONLiteral = "019a8c1e-7b1c-7c55-9d55-0d2f2b1f7a10"
    static let exampleTime: JSONLiteral = "2026-03-01T09:30:00Z"

    /// RFC 9457.
    private static let problem = Schema.object([
        .always("type", .choice(ProblemKind.allCases.map(\.uri)), "What kind of problem it is; stable."),
        .always("title", .text(), "The kind in words."),
        .always("status", .integer(400...599), "The HTTP status."),
        .always("detail", .text(), "What is wrong with this request, one sentence."),
        .sometimes("request_id", .text(), "The id of the request; absent in the results of a batch."),
        .sometimes(
            "errors",
            .array(
                of: .object([
                    .always("pointer", .text(), "Where in the body: a JSON pointer (RFC 6901)."),
                    .always("detail", .text(), "What is wrong there."),
                ])), "Each wrong member."),
        .sometimes("parameter", .text(), "The wrong parameter."),
        .sometimes("scope", .text(), "The scope that the key lacks."),
        .sometimes("code", .text(), "Why the body is no JSON, or none that is taken."),
        .sometimes("offset", .count, "Where in the body, in bytes."),
        .sometimes("limit", .count, "The bound that was passed, in bytes."),
        .sometimes("event_id", .uuid, "The event that has the id already."),
        .sometimes("accepted", .count, "Of a body that broke off: events stored."),
        .sometimes("duplicates", .count, "Of a body that broke off: events that were there."),
        .sometimes("settled", .count, "Of a body that broke off: lines from its beginning that are done."),
    ])

    // MARK: Jobs and what was learned

    private static let backtest = Schema.object([
        .always("id", .uuid),
        .orNull("trigger_id", .uuid, "The trigger; null for a draft."),
        .sometimes("trigger_version", .integer(1...Int(Int32.max)), "Its version."),
        .always("name", .text(), "The trigger's name."),
        .always("from", .time, "The first moment of which events are read."),
        .always("to", .time, "The moment before which they are."),
        .always("status", .choice(JobStatus.self)),
        .always("progress", .number, "From 0 to 1."),
        .always("events_read", .count),
        .sometimes(
            "result",
            .object([
                .always("complete", .flag, "Whether all events were read."),
                .sometimes("read_until", Schema.time.orNull, "How far they were, when not all."),
                .always("events", .count),
                .always("fired", .count),
                .always("suppressed", .count, "What the cooldown kept from firing."),
                .always(
                    "days",
                    .array(
                        of: .object([
                            .always("date", .day), .always("fired", .count), .always("suppressed", .count),
                        ]))
                ),
                .always("deliveries", .map(of: .count), "By type of action."),
                .always(
                    "samples",
                    .array(
                        of: .object([
                            .always("event_id", .uuid), .always("at", .time),
                            .sometimes("explanation", .reference("Explanation")),
                        ]))),
            ]), "What came of it; lists leave it out."),
        .orNull("error", .text()),
        .always("created_at", .time),
        .orNull("started_at", .time),
        .orNull("finished_at", .time),
    ])

    private static let replay = Schema.object([
        .always("id", .uuid),
        .always("status", .choice(JobStatus.self)),
        .always("request", .anyObject, "What was asked for."),
        .always("rate", .count, "Deliveries a second, at most."),
        .orNull("progress", .number, "From 0 to 1; null when nobody knows."),
        .orNull("total", .count, "What matches; null until it is counted."),
        .always("found", .count),
        .always("made", .count, "Deliveries made."),
        .always("skipped", .count, "Left out: the event or the action is gone."),
        .orNull("error", .text()),
        .always("created_at", .time),
        .orNull("started_at", .time),
        .orNull("finished_at", .time),
    ])

    private static let learnedSchema = Schema.object([
        .always("event_type", .text()),
        .always("event_count", .count),
        .always("first_seen", .time),
        .always("last_seen", .time),
        .always("dropped_fields", .count, "Fields beyond those that are kept."),
        .always(
            "fields",
            .map(
                of: .object([
                    .always("present", .count, "Events that have it."),
                    .always("types", .map(of: .count), "By type of value."),
                    .always("examples", .array(of: .anything)),
                    .always("first_seen", .time),
                    .always("last_seen", .time),
                ])), "By path."),
    ])

    private static let usage = Schema.page(
        of: .object([
            .always("day", .day),
            .always("requests", .count),
            .always("cached_answers", .count),
            .always("prompt_tokens", .count),
            .always("completion_tokens", .count),
            .always("set_aside_tokens", .count, "Of requests whose answer is still awaited."),
            .always("seconds", .number),
        ]),
        also: [
            .always(
                "budget",
                .object([.orNull("tokens_per_day", .count), .orNull("seconds_per_day", .count)]),
                "Null for no bound.")
        ])

    private static let health = Schema.object([
        .always("status", .choice(["healthy", "unhealthy"])),
        .always("database", .choice(["connected", "disconnected"])),
        .always("redis", .choice(["connected", "disconnected"])),
        .always("version", .text()),
    ])

    private static let readiness = Schema.object([
        .always("status", .choice(["ready", "not_ready"])),
        .always(
            "checks",
            .array(
                of: .object([
                    .always("name", .text()), .always("state", .choice(["ready", "failing"])),
                    .always("detail", .anything),
                ]))),
    ])
}
