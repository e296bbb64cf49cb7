import ActionModel
import EventModel
import TriggerEngine

extension Components {
    /// Conditions are a language of their own; what is wrong in one is told with its pointer.
    private static let condition = Schema.anyObject.about(
        "A tree of `all`, `any`, `not` and leaves `{\"field\", \"operator\", \"value\"}`; see Triggers in the manual.")
    private static let conditionForms: [Property] = [
        .optional("condition", condition, "When it fires; without one for every event of its types."),
        .optional("conditions", .array(of: .anyObject, count: 0...500), "Instead: a flat list that means all of them."),
    ]

    private static let shownByAPI: [Property] = ["id", "version", "created_at", "updated_at"].map {
        .sometimes($0, .anything, "Passed over, so that what was got can be put back.")
    }

    private static func definition(nameIsRequired: Bool) -> [Property] {
        let name = Schema.text(1...200)
        return [
            nameIsRequired
                ? .always("name", name, "Unique in the organization.") : .sometimes("name", name),
            .optional("description", .text(0...2_000)),
            .optional("managed_by", .text(1...100), "Who keeps it, such as a folder of trigger files."),
            .optional("enabled", .flag, "True by default."),
            .optional("event_types", .array(of: .text(1...255), count: 0...100), "Globs; none means all types."),
        ] + conditionForms + [
            .optional("cooldown", .duration, "How long it keeps quiet after it fired."),
            .optional("cooldown_by", .array(of: .word, count: 0...8), "Each combination by itself."),
            .optional("actions", .array(of: .reference("Action"), count: 0...20), "What is done, in this order."),
        ]
    }

    static let newTrigger = Schema.order(shownByAPI + definition(nameIsRequired: true))
    /// A JSON merge patch (RFC 7396).
    static let triggerPatch = Schema.order(shownByAPI + definition(nameIsRequired: false))

    static let newTriggerExample: JSONLiteral = [
        "name": "Large payment", "event_types": ["PaymentProcessed"],
        "condition": ["field": "data.amount", "operator": "gt", "value": 1_000],
        "actions": [["type": "rest", "config": ["url": "https://example.com/hooks/payments"]]],
    ]

    private static let triggerProperties: [Property] =
        [
            .always("id", .uuid),
            .always("version", .integer(1...Int(Int32.max)), "Each change makes a new one."),
        ] + shownDefinition + [.always("created_at", .time), .always("updated_at", .time)]

    private static let shownDefinition: [Property] = [
        .always("name", .text()),
        .orNull("description", .text()),
        .sometimes("managed_by", .text()),
        .always("enabled", .flag),
        .always("event_types", .array(of: .text())),
        .sometimes("condition", Schema.anyObject.orNull),
        .sometimes("conditions", .array(of: .anyObject)),
        .sometimes("cooldown", .duration),
        .sometimes("cooldown_by", .array(of: .text())),
        .always("actions", .array(of: .anyObject), "As written; secrets are masked."),
    ]

    static let trigger = Schema.object(triggerProperties)

    static let triggerChange = Schema.object([
        .always("path", .text(), "A JSON pointer."), .always("before", .anything), .always("after", .anything),
    ])

    static let triggerPreview = Schema.object([
        .always("changes", .array(of: .reference("TriggerChange"))), .always("trigger", .object(shownDefinition)),
    ])

    private static let versionProperties: [Property] = [
        .always("version", .integer(1...Int(Int32.max))),
        .orNull("role", .choice(TriggerRole.self), "What it is at present."),
        .always("made_at", .time),
        .always("trigger", .reference("Trigger")),
    ]

    static let triggerVersion = Schema.object(versionProperties)

    static let shadow = Schema.object(
        versionProperties + [
            .sometimes(
                "differences",
                .object([
                    .always("both", .count), .always("only_live", .count), .always("only_shadow", .count),
                    .always("truncated", .flag, "Whether only the newest firings were compared."),
                    .always(
                        "samples",
                        .array(
                            of: .object([
                                .always("fired", .choice(TriggerRole.self)), .always("event_id", .uuid),
                                .always("firing_id", .uuid), .always("at", .time),
                            ]))),
                ]))
        ])

    /// An event that a trigger is tried with.
    static let testedEvent = Schema.anyObject.about(
        "An event as it is posted, or as it is shown; `received_at` is the clock of windows and timers.")

    static let triggerTest = Schema.object([
        .always("fired", .count),
        .always("suppressed", .count),
        .always(
            "results",
            .array(
                of: .object([
                    .always("index", .count),
                    .always("type", .text()),
                    .always("received_at", .time),
                    .always("reached", .flag, "Whether the trigger takes its type."),
                    .always("fired", .flag),
                    .always("suppressed", .flag),
                    .sometimes("at", .time),
                    .sometimes("explanation", .reference("Explanation")),
                    .sometimes("actions", .array(of: .anyObject), "What would be done; of the first ten firings."),
                ]))),
    ])

    private static let thresholdProperties: [Property] = [
        .always("at_least", .number), .always("fires", .count), .always("fires_per_day", .number),
        .sometimes("precision", .number), .sometimes("recall", .number), .sometimes("f1", .number),
    ]

    private static let sightings = Schema.array(
        of: .object([
            .always("event_id", .uuid), .always("type", .text()), .always("received_at", .time),
            .always("similarity", .number),
        ]))

    static let calibration = Schema.object([
        .always("complete", .flag, "Whether all events of the time were read."),
        .always("read_from", .time),
        .always("read_to", .time),
        .always("evaluated", .count),
        .always("comparable", .count, "Events with text to compare."),
        .sometimes("positives_found", .count),
        .always(
            "thresholds",
            .array(
                of: .object(
                    thresholdProperties + [.always("just_above", sightings), .always("just_below", sightings)]))),
        .orNull("suggested", .object(thresholdProperties)),
    ])

    static let firing = Schema.object([
        .always("id", .uuid),
        .always("trigger_id", .uuid),
        .always("trigger_version", .integer(1...Int(Int32.max))),
        .always("role", .choice(TriggerRole.self)),
        .always("event_id", .uuid),
        .always("event_received_at", .time),
        .always("at", .time, "When the condition came true."),
        .always("created_at", .time),
        .sometimes("explanation", .reference("Explanation")),
        .sometimes(
            "emits",
            .array(
                of: .object([
                    .always("action", .count), .sometimes("event_id", .uuid), .sometimes("error", .text()),
                ])), "The events that its actions `emit` made."),
    ])
}
