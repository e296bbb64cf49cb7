import EventStore
import HTTPTypes

extension EventIntake {
    static let descriptions: RouteDescriptions = [
        "POST /api/v1/events": RouteDescription(
            id: "postEvents", topic: .events, summary: "Store events",
            detail: """
                One event, an array of up to 10,000, one a line (NDJSON), or CloudEvents 1.0 in structured, batched or \
                binary mode. The answer comes when they are durable. Of many, good ones are stored although others \
                are refused.
                """,
            parameters: [.idempotencyKey, .traceparent],
            body: RouteDescription.Body(content: [
                .init(
                    "application/json",
                    .any(of: [
                        .reference("NewEvent"), .array(of: .anything, count: 0...10_000),
                    ]), example: Components.newEventExample),
                .init("application/x-ndjson", .text()),
                .init(
                    "application/cloudevents+json", .reference("CloudEvent"), example: Components.cloudEventExample),
                .init("application/cloudevents-batch+json", .array(of: .anything, count: 0...10_000)),
            ]),
            answers: [
                .json(
                    .ok, "The event had been stored before, or what became of each of many.",
                    .any(of: [.reference("StoredEvent"), .reference("BatchResult")])),
                .json(.created, "The event is stored.", .reference("StoredEvent"), headers: [.location]),
            ],
            problems: [.idReused, .overloaded, .malformedJSON]),
        "POST /api/v1/ingest": ingest("ingest", "Store any object"),
        "POST /ingest": ingest("ingestAtRoot", "Store any object, at the root"),
    ]

    private static func ingest(_ id: String, _ summary: String) -> RouteDescription {
        RouteDescription(
            id: id, topic: .events, summary: summary,
            detail: "The whole object becomes the data of an event, its member `type` the type.",
            parameters: [.idempotencyKey, .traceparent],
            body: RouteDescription.Body(content: [
                .init(
                    "application/json",
                    .anyObject, example: ["type": "SensorRead", "celsius": 21.5])
            ]),
            answers: [
                .json("The event had been stored before.", .reference("StoredEvent")),
                .json(.created, "The event is stored.", .reference("StoredEvent"), headers: [.location]),
            ],
            problems: [.idReused, .overloaded, .malformedJSON])
    }
}

extension RouteDescription.Parameter {
    fileprivate static let eventFilters: [RouteDescription.Parameter] = [
        .query("type", .word, "Of this type."),
        .query("subject", .word, "Of this subject."),
        .query("source", .word, "Of this source."),
        .query("q", .word, "Whose texts hold these words, or \"this phrase\"; up to 8 KiB."),
        .query(
            "filter", Schema.word.example(#"{"field":"data.amount","operator":"gt","value":100}"#),
            "A condition without state, as JSON; up to 8 KiB."),
    ]
}

extension EventRoutes {
    static let descriptions: RouteDescriptions = [
        "GET /api/v1/events": RouteDescription(
            id: "listEvents", topic: .events, summary: "List and search events",
            detail: "In the order of the log, the newest first unless `order` says otherwise.",
            parameters: RouteDescription.Parameter.eventFilters + [
                .from("Received"), .to("Received"),
                .query("order", Schema.choice(["asc", "desc"]).usually("desc"), "By place in the log."),
                .query("cursor", .word, "`next_cursor` of the page before."), .limit,
            ],
            answers: [.json("A page.", .page(of: .reference("Event")))],
            problems: [.queryTimeout]),
        "GET /api/v1/events/{id}": RouteDescription(
            id: "getEvent", topic: .events, summary: "Read an event",
            answers: [.json("The event.", .reference("Event"))]),
    ]
}

extension StatsRoutes {
    static let descriptions: RouteDescriptions = [
        "GET /api/v1/events/stats": RouteDescription(
            id: "countEvents", topic: .events, summary: "Count events by time, type and source",
            detail: "The last 24 hours, unless another time is asked for.",
            parameters: [
                .query("measure", Schema.choice(["count", "rate"]).usually("count"), "Events, or events a second."),
                .query("group_by", .choice(["type", "source", "type,source", "source,type"]), "What to tell apart."),
                .query("interval", .duration, "How long a bucket is; without one there is one bucket."),
                .from("Received"), .to("Received"),
                .query("type", .word, "Of this type."),
                .query("source", .word, "Of this source."),
                .query("limit", Schema.integer(1...1_000).usually(20), "Most groups; the rest is `overflow`."),
                .query("fill", Schema.choice(["none", "zero"]).usually("none"), "Whether empty buckets are shown."),
            ],
            answers: [.json("The counts.", .reference("EventStatistics"))])
    ]
}

extension StreamRoutes {
    static let descriptions: RouteDescriptions = [
        "GET /api/v1/events/stream": RouteDescription(
            id: "streamEvents", topic: .events, summary: "Follow events as they are stored",
            detail: """
                Server-sent events; `id` is the event's, `data` the event. A stream that breaks is taken up behind \
                the last id.
                """,
            parameters: RouteDescription.Parameter.eventFilters + [
                .query("last_event_id", .uuid, "Go on behind this event."),
                .header("Last-Event-ID", .uuid, "The same, as browsers send it."),
            ],
            answers: [
                RouteDescription.Answer(
                    status: .ok, about: "Events, until either side ends it.",
                    content: .init("text/event-stream", .serverSentEvent(["error"])))
            ],
            problems: [.overloaded])
    ]
}

extension ExplanationRoutes {
    static let descriptions: RouteDescriptions = [
        "GET /api/v1/events/{id}/explain": RouteDescription(
            id: "explainEvent", topic: .events, summary: "Why a trigger fired for an event, or not",
            parameters: [.query("trigger", .uuid, "The trigger.", required: true)],
            answers: [.json("What the trigger made of the event.", .reference("EventExplanation"))],
            problems: [.queryTimeout], alsoNeeds: [.triggersRead])
    ]
}
