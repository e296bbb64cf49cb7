import EventStore
import HTTPTypes

extension RouteDescription.Parameter {
    fileprivate static let dryRun = query(
        "dry_run", Schema.choice(["true", "false"]).usually("false"),
        "Whether nothing is stored; the answer is what would change.")
}

extension RouteDescription.Body {
    fileprivate static let trigger = json(.reference("NewTrigger"), example: Components.newTriggerExample)
}

extension TriggerRoutes {
    static let descriptions: RouteDescriptions = [
        "GET /api/v1/triggers": RouteDescription(
            id: "listTriggers", topic: .triggers, summary: "List triggers", parameters: [.cursor, .limit],
            answers: [.json("A page.", .page(of: .reference("Trigger")))]),
        "POST /api/v1/triggers": RouteDescription(
            id: "createTrigger", topic: .triggers, summary: "Create a trigger", parameters: [.dryRun], body: .trigger,
            answers: [
                .json(.ok, "What would be made, with `dry_run`.", .reference("TriggerPreview")),
                .json(.created, "The trigger.", .reference("Trigger"), headers: [.location, .eTag]),
            ],
            problems: [.conflict, .malformedJSON]),
        "GET /api/v1/triggers/{id}": RouteDescription(
            id: "getTrigger", topic: .triggers, summary: "Read a trigger", parameters: [.ifNoneMatch],
            answers: [
                .json(.ok, "The trigger; secrets are masked.", .reference("Trigger"), headers: [.eTag]),
                .none(.notModified, "The client has it already."),
            ]),
        "PUT /api/v1/triggers/{id}": RouteDescription(
            id: "replaceTrigger", topic: .triggers, summary: "Replace a trigger",
            detail: "That makes a new version. A secret that is sent back masked stays what it is.",
            parameters: [.dryRun, .ifMatch], body: .trigger,
            answers: [
                .json(
                    "The trigger; with `dry_run` what would change.",
                    .any(of: [.reference("Trigger"), .reference("TriggerPreview")]))
            ],
            problems: [.conflict, .preconditionFailed, .preconditionRequired, .malformedJSON]),
        "PATCH /api/v1/triggers/{id}": RouteDescription(
            id: "changeTrigger", topic: .triggers, summary: "Change members of a trigger",
            detail: "By a JSON merge patch (RFC 7396); that makes a new version too.", parameters: [.ifMatch],
            body: RouteDescription.Body(content: [
                .init("application/merge-patch+json", .reference("TriggerPatch"), example: ["enabled": false]),
                .init("application/json", .reference("TriggerPatch"), example: ["enabled": false]),
            ]),
            answers: [.json(.ok, "The trigger.", .reference("Trigger"), headers: [.eTag])],
            problems: [.conflict, .preconditionFailed, .preconditionRequired, .malformedJSON]),
        "DELETE /api/v1/triggers/{id}": RouteDescription(
            id: "deleteTrigger", topic: .triggers, summary: "Delete a trigger", parameters: [.ifMatch],
            answers: [.none(.noContent, "It is gone.")], problems: [.preconditionFailed, .preconditionRequired]),
    ]
}

extension TriggerVersionRoutes {
    static let descriptions: RouteDescriptions = [
        "GET /api/v1/triggers/{id}/versions": RouteDescription(
            id: "listTriggerVersions", topic: .triggers, summary: "List the versions of a trigger",
            parameters: [
                .query("cursor", .integer(1...Int(Int32.max)), "`next_cursor` of the page before."), .limit,
            ],
            answers: [.json("A page, the newest first.", .page(of: .reference("TriggerVersion")))]),
        "GET /api/v1/triggers/{id}/versions/{n}": RouteDescription(
            id: "getTriggerVersion", topic: .triggers, summary: "Read a version of a trigger",
            answers: [.json("The version.", .reference("TriggerVersion"))]),
        "GET /api/v1/triggers/{id}/versions/{n}/diff/{m}": RouteDescription(
            id: "compareTriggerVersions", topic: .triggers, summary: "How two versions differ",
            answers: [
                .json(
                    "The differences.",
                    .object([
                        .always("from", .count), .always("to", .count),
                        .always("changes", .array(of: .reference("TriggerChange"))),
                    ]))
            ]),
        "POST /api/v1/triggers/{id}/versions/{n}/rollback": RouteDescription(
            id: "rollBackTrigger", topic: .triggers, summary: "Go back to a version",
            detail: "Makes a new version that says what the old one did.",
            answers: [.json("The trigger.", .reference("Trigger"))], problems: [.conflict]),
    ]
}

extension TriggerShadowRoutes {
    static let descriptions: RouteDescriptions = [
        "PUT /api/v1/triggers/{id}/shadow": RouteDescription(
            id: "putShadow", topic: .triggers, summary: "Run a version in shadow",
            detail: "Its firings are recorded, and nothing follows from them.", body: .trigger,
            answers: [.json("The version in shadow.", .reference("Shadow"))], problems: [.conflict, .malformedJSON]),
        "GET /api/v1/triggers/{id}/shadow": RouteDescription(
            id: "getShadow", topic: .triggers, summary: "How the shadow and the live version differ",
            answers: [.json("The version, and what differs.", .reference("Shadow"))], problems: [.queryTimeout]),
        "DELETE /api/v1/triggers/{id}/shadow": RouteDescription(
            id: "deleteShadow", topic: .triggers, summary: "End the shadow",
            answers: [.none(.noContent, "There is none any more.")]),
        "POST /api/v1/triggers/{id}/shadow/promote": RouteDescription(
            id: "promoteShadow", topic: .triggers, summary: "Make the shadow live",
            answers: [.json("The trigger.", .reference("Trigger"))], problems: [.conflict]),
    ]
}

extension TriggerTestRoutes {
    static let descriptions: RouteDescriptions = [
        "POST /api/v1/triggers/test": RouteDescription(
            id: "testTrigger", topic: .triggers, summary: "Try a trigger with events",
            detail: """
                Nothing is stored or sent. Give one of `trigger`, `condition` and `trigger_id`, and one of `event` \
                and `events`.
                """,
            body: .json(
                .order([
                    .optional("trigger", .reference("NewTrigger")), .optional("condition", .anyObject),
                    .optional("trigger_id", .uuid), .optional("event", Components.testedEvent),
                    .optional("events", .array(of: Components.testedEvent, count: 1...1_000)),
                    .optional("until", .time, "The clock runs on to here after the last event."),
                ]),
                example: [
                    "condition": ["field": "data.amount", "operator": "gt", "value": 1_000],
                    "event": Components.newEventExample,
                ]),
            answers: [.json("What became of each event.", .reference("TriggerTest"))],
            problems: [.malformedJSON, .notFound])
    ]
}

extension CalibrationRoutes {
    static let descriptions: RouteDescriptions = [
        "POST /api/v1/triggers/calibrate": RouteDescription(
            id: "calibrate", topic: .triggers, summary: "How near is near enough",
            detail: "Runs a condition with one `similar_to` over stored events, for every degree.",
            body: .json(
                .order([
                    .always("condition", .anyObject), .always("from", .time), .optional("to", .time),
                    .optional("event_types", .array(of: .text(1...255), count: 0...100)),
                    .optional("target_per_day", Schema.number.with("minimum", 0), "How often it should fire."),
                    .optional(
                        "positives", .array(of: .uuid, count: 1...1_000),
                        "Instead: the events that it should fire for."),
                ]),
                example: [
                    "condition": ["similar_to": ["I want my money back"], "field": "text"],
                    "from": Components.exampleTime, "target_per_day": 20,
                ]),
            answers: [.json("What it would have been true of.", .reference("Calibration"))],
            problems: [.overloaded, .malformedJSON, .queryTimeout], alsoNeeds: [.eventsRead])
    ]
}

extension FiringRoutes {
    static let descriptions: RouteDescriptions = [
        "GET /api/v1/firings": RouteDescription(
            id: "listFirings", topic: .firings, summary: "List firings",
            parameters: [
                .query("trigger", .uuid, "Of this trigger."), .query("event", .uuid, "For this event."),
                .query("role", .choice(["live", "shadow"]), "Of versions that act, or that are only watched."),
                .from("Written"), .to("Written"), .cursor, .limit,
            ],
            answers: [.json("A page, the newest first.", .page(of: .reference("Firing")))]),
        "GET /api/v1/firings/{id}": RouteDescription(
            id: "getFiring", topic: .firings, summary: "Read a firing with its explanation",
            answers: [.json("The firing.", .reference("Firing"))], alsoNeeds: [.eventsRead]),
        "GET /api/v1/triggers/{id}/firings": RouteDescription(
            id: "listFiringsOfTrigger", topic: .firings, summary: "List the firings of a trigger",
            parameters: [
                .query("role", .choice(["live", "shadow"]), "Of versions that act, or that are only watched."),
                .from("Written"), .to("Written"), .cursor, .limit,
            ],
            answers: [.json("A page, the newest first.", .page(of: .reference("Firing")))]),
    ]
}
