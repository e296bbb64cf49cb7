import ActionModel
import EventStore
import HTTPTypes

extension RouteDescription.Answer {
    fileprivate static let progress = RouteDescription.Answer(
        status: .ok, about: "`progress` whenever there is some, `done` at the end.",
        content: .init("text/event-stream", .serverSentEvent(["progress", "done"])))
}

extension BacktestRoutes {
    private static let times: [Property] = [
        .always("from", .time), .optional("to", .time, "Now by default; at most 366 days after `from`."),
    ]

    static let descriptions: RouteDescriptions = [
        "POST /api/v1/triggers/backtest": RouteDescription(
            id: "backtestDraft", topic: .backtests, summary: "Backtest a draft",
            body: .json(
                .order([.always("trigger", .reference("NewTrigger"))] + times),
                example: ["trigger": Components.newTriggerExample, "from": Components.exampleTime]),
            answers: [.json(.accepted, "It will be run.", .reference("Backtest"), headers: [.location])],
            problems: [.conflict, .malformedJSON], alsoNeeds: [.eventsRead]),
        "POST /api/v1/triggers/{id}/backtest": RouteDescription(
            id: "backtestTrigger", topic: .backtests, summary: "Backtest a trigger",
            body: .json(.order(times), example: ["from": Components.exampleTime]),
            answers: [.json(.accepted, "It will be run.", .reference("Backtest"), headers: [.location])],
            problems: [.conflict, .malformedJSON], alsoNeeds: [.eventsRead]),
        "GET /api/v1/backtests": RouteDescription(
            id: "listBacktests", topic: .backtests, summary: "List backtests",
            parameters: [.query("trigger", .uuid, "Of this trigger."), .cursor, .limit],
            answers: [.json("A page, the newest first.", .page(of: .reference("Backtest")))],
            alsoNeeds: [.eventsRead]),
        "GET /api/v1/backtests/{id}": RouteDescription(
            id: "getBacktest", topic: .backtests, summary: "Read a backtest with its result",
            answers: [.json("The backtest.", .reference("Backtest"))], alsoNeeds: [.eventsRead]),
        "GET /api/v1/backtests/{id}/stream": RouteDescription(
            id: "watchBacktest", topic: .backtests, summary: "Watch a backtest", answers: [.progress],
            problems: [.overloaded], alsoNeeds: [.eventsRead]),
        "DELETE /api/v1/backtests/{id}": RouteDescription(
            id: "cancelBacktest", topic: .backtests, summary: "Cancel a backtest",
            detail: "One that has ended stays as it is.",
            answers: [.json("The backtest.", .reference("Backtest"))], alsoNeeds: [.eventsRead]),
    ]
}

extension DeliveryRoutes {
    static let descriptions: RouteDescriptions = [
        "GET /api/v1/deliveries": RouteDescription(
            id: "listDeliveries", topic: .deliveries, summary: "List deliveries",
            parameters: [
                .query("status", .choice(DeliveryStatus.self), "With this status."),
                .query("trigger_id", .uuid, "Of this trigger."), .query("event_id", .uuid, "For this event."),
                .query("type", .choice(ActionKind.self), "Of this type of action."),
                .from("Made"), .to("Made"),
                .query("replay_id", .uuid, "Made by this replay."),
                .query("replayed", .choice(["true", "false"]), "Whether replays made them."), .cursor, .limit,
            ],
            answers: [.json("A page, the newest first.", .page(of: .reference("Delivery")))]),
        "GET /api/v1/deliveries/{id}": RouteDescription(
            id: "getDelivery", topic: .deliveries, summary: "Read a delivery with every attempt",
            answers: [.json("The delivery.", .reference("Delivery"))]),
        "POST /api/v1/deliveries/{id}/retry": RouteDescription(
            id: "retryDelivery", topic: .deliveries, summary: "Attempt a delivery again",
            detail: "For one that was given up or cancelled.",
            answers: [.json("The delivery.", .reference("Delivery"))], problems: [.conflict]),
        "POST /api/v1/deliveries/{id}/cancel": RouteDescription(
            id: "cancelDelivery", topic: .deliveries, summary: "Call a delivery off",
            answers: [.json("The delivery.", .reference("Delivery"))], problems: [.conflict]),
        "POST /api/v1/deliveries/purge": RouteDescription(
            id: "purgeDeliveries", topic: .deliveries, summary: "Delete deliveries that have ended",
            body: .json(
                .order([.always("filter", Components.purgeFilter)]), example: ["filter": ["status": "dead"]]),
            answers: [
                .json(
                    "How many of the oldest were deleted.",
                    .object([
                        .always("purged", .count), .always("complete", .flag, "Whether none is left that matches."),
                    ]))
            ],
            problems: [.malformedJSON]),
    ]
}

extension ReplayRoutes {
    static let descriptions: RouteDescriptions = [
        "POST /api/v1/deliveries/replay": RouteDescription(
            id: "replay", topic: .replays, summary: "Make deliveries again",
            detail: """
                Give `filter`, for deliveries that have ended, or `events`, whose firings run their actions again.
                """,
            body: .json(
                .order([
                    .optional("filter", .reference("DeliveryFilter")),
                    .optional(
                        "events",
                        .order([
                            .optional("id", .uuid), .optional("type", .text(1...255)), .optional("from", .time),
                            .optional("to", .time),
                        ])),
                    .optional("trigger_id", .uuid, "Beside `events`: only of this trigger."),
                    .optional("rate", .integer(Int(NewReplay.rates.lowerBound)...Int(NewReplay.rates.upperBound))),
                    .optional("version", .choice(["fired", "current"]), "Whose actions; `fired` by default."),
                    .optional("again", .flag, "Beside `filter`: also what was replayed already."),
                ]),
                example: ["filter": ["status": "dead"], "rate": 50]),
            answers: [.json(.accepted, "It will be done.", .reference("Replay"), headers: [.location])],
            problems: [.conflict, .malformedJSON]),
        "GET /api/v1/replays": RouteDescription(
            id: "listReplays", topic: .replays, summary: "List replays", parameters: [.cursor, .limit],
            answers: [.json("A page, the newest first.", .page(of: .reference("Replay")))]),
        "GET /api/v1/replays/{id}": RouteDescription(
            id: "getReplay", topic: .replays, summary: "Read a replay",
            answers: [.json("The replay.", .reference("Replay"))]),
        "GET /api/v1/replays/{id}/stream": RouteDescription(
            id: "watchReplay", topic: .replays, summary: "Watch a replay", answers: [.progress],
            problems: [.overloaded]),
        "DELETE /api/v1/replays/{id}": RouteDescription(
            id: "cancelReplay", topic: .replays, summary: "Cancel a replay", detail: "What it has made stays.",
            answers: [.json("The replay.", .reference("Replay"))]),
    ]
}

extension BreakerRoutes {
    static let descriptions: RouteDescriptions = [
        "GET /api/v1/circuit-breakers": RouteDescription(
            id: "listBreakers", topic: .breakers, summary: "List circuit breakers",
            parameters: [
                .query("state", .choice(CircuitBreaker.State.self), "In this state."), .cursor, .limit,
            ],
            answers: [.json("A page.", .page(of: .reference("CircuitBreaker")))]),
        "GET /api/v1/circuit-breakers/{id}": RouteDescription(
            id: "getBreaker", topic: .breakers, summary: "Read a circuit breaker",
            answers: [.json("The circuit breaker.", .reference("CircuitBreaker"))]),
        "GET /api/v1/triggers/{id}/circuit-breaker": RouteDescription(
            id: "getTriggerBreakers", topic: .breakers, summary: "Read the circuit breakers of a trigger",
            answers: [.json("Those of all its endpoints.", .reference("TriggerBreakers"))]),
        "PATCH /api/v1/triggers/{id}/circuit-breaker": RouteDescription(
            id: "changeTriggerBreakers", topic: .breakers, summary: "Open or close the circuit breakers of a trigger",
            detail: "It counts for every trigger of the organization that goes to the same endpoint.",
            body: RouteDescription.Body(content: [
                .init("application/json", breakerChange, example: ["state": "open", "for": "30m"]),
                .init("application/merge-patch+json", breakerChange),
            ]),
            answers: [.json("Those of all its endpoints.", .reference("TriggerBreakers"))],
            problems: [.malformedJSON]),
        "POST /api/v1/triggers/{id}/circuit-breaker/reset": RouteDescription(
            id: "resetTriggerBreakers", topic: .breakers, summary: "Close the circuit breakers of a trigger",
            answers: [.json("Those of all its endpoints.", .reference("TriggerBreakers"))]),
    ]

    private static let breakerChange = Schema.order([
        .always("state", .choice(["open", "closed"])),
        .optional("for", .duration, "From 1s to 30d; without it until further notice."),
        .optional("endpoint", .text(), "Only this one."),
    ])
}
