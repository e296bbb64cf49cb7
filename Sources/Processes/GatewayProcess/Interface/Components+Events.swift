import EventModel

extension Components {
    static let traceparent = Schema([
        ("type", "string"), ("pattern", "^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$"),
    ])

    static let newEvent = Schema.order([
        .always("type", .line(1...255), "What happened."),
        .always("data", .anyObject, "Anything; at most 64 levels deep, without equal keys."),
        .optional("source", .line(0...512), "Who says so."),
        .optional("subject", .line(1...512), "What it happened to: a conversation, a customer, an order."),
        .optional("time", .time, "When it happened; else when it is received."),
        .optional("id", .line(1...255), "Your own id: with the source unique, so that a repeat is recognised."),
        .optional("traceparent", traceparent, "The W3C trace that it belongs to."),
        .optional("cause", .uuid, "The stored event that it follows from; its subject is the usual one."),
    ])

    static let newEventExample: JSONLiteral = [
        "type": "PaymentProcessed", "data": ["amount": 1_500, "currency": "EUR"], "subject": "customer-7",
    ]

    static let event = Schema.object([
        .always("id", .uuid),
        .always("type", .text()),
        .always("source", .text(), "Empty when the producer didn't say."),
        .orNull("subject", .text()),
        .always("time", .time),
        .always("received_at", .time),
        .always("data", .anyObject),
        .orNull("producer_id", .text(), "The producer's own id."),
        .sometimes("metadata", .anyObject, "What came with it, or what it was derived from."),
    ])

    static let storedEvent = Schema.object([
        .always("id", .uuid),
        .always("type", .text()),
        .always("received_at", .time),
        .always("duplicate", .flag, "Whether it had been stored before."),
    ])

    static let batchResult = Schema.object([
        .always("accepted", .count),
        .always("duplicates", .count),
        .always("rejected", .count),
        .always(
            "results",
            .array(
                of: .object([
                    .always("index", .count, "Which item, from 0."),
                    .always("status", .choice(["accepted", "duplicate", "rejected"])),
                    .sometimes("id", .uuid),
                    .sometimes("error", .reference("Problem")),
                ])), "One for each item, in order."),
    ])

    /// CloudEvents 1.0; further attributes are kept in the event's metadata.
    static let cloudEvent = Schema.object([
        .always("specversion", .constant("1.0")),
        .always("id", .line(1...255)),
        .always("source", .line(1...512)),
        .always("type", .line(1...255)),
        .optional("subject", .line(1...512)),
        .optional("time", .time),
        .optional("datacontenttype", .line(0...255)),
        .optional("dataschema", .line(0...1_024)),
        .sometimes("data", .anything),
    ])
    .with("propertyNames", ["pattern": "^[a-z0-9]{1,64}$"])
    .with("additionalProperties", Schema.flag.literal)

    static let cloudEventExample: JSONLiteral = [
        "specversion": "1.0", "id": "order-7-paid", "source": "/shop", "type": "PaymentProcessed",
        "data": ["amount": 1_500],
    ]

    static let eventStatistics = Schema.object([
        .always("measure", .choice(["count", "rate"])),
        .orNull("interval", .duration),
        .always("from", .time),
        .always("to", .time),
        .always("group_by", .array(of: .choice(["type", "source"]))),
        .always(
            "data",
            .array(
                of: .object([
                    .always("time", .time, "When the bucket begins."),
                    .always(
                        "group",
                        .object([
                            .sometimes("type", Schema.text().orNull), .sometimes("source", Schema.text().orNull),
                        ])),
                    .always("value", .number),
                ]))),
        .always("overflow", .count, "Events of groups beyond those that are told apart."),
        .orNull("as_of", .time, "Up to when events are counted."),
        .always("lag", .count, "Events that are not counted yet."),
    ])

    static let eventExplanation = Schema.object([
        .always("event_id", .uuid),
        .always("trigger_id", .uuid),
        .sometimes("trigger_version", .integer(1...Int(Int32.max))),
        .always("outcome", .choice(EventExplanation.Outcome.self)),
        .always("reason", .text(), "The same in words."),
        .orNull("firing_id", .uuid),
        .sometimes("explanation", .reference("Explanation")),
        .sometimes(
            "replay",
            .object([
                .always("events", .count, "Events before it that were run again."),
                .always("approximate", .flag, "Whether the states then may have been others."),
            ])),
    ])

    /// Each node of the condition with its truth value and what was compared.
    static let explanation = Schema.anyObject
}
