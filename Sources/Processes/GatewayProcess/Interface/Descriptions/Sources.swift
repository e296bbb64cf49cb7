import HTTPTypes

extension SourceRoutes {
    private static let body = RouteDescription.Body.json(
        .reference("NewSource"),
        example: [
            "name": "github", "event_type": ["header": "x-github-event", "prefix": "github."],
            "verification": ["scheme": "github", "secrets": ["a secret of 8 bytes or more"]],
        ])

    static let descriptions: RouteDescriptions = [
        "GET /api/v1/sources": RouteDescription(
            id: "listSources", topic: .sources, summary: "List sources", parameters: [.cursor, .limit],
            answers: [.json("A page.", .page(of: .reference("Source")))]),
        "POST /api/v1/sources": RouteDescription(
            id: "createSource", topic: .sources, summary: "Create a source", body: body,
            answers: [.json(.created, "The source.", .reference("Source"), headers: [.location])],
            problems: [.conflict, .malformedJSON]),
        "GET /api/v1/sources/{id}": RouteDescription(
            id: "getSource", topic: .sources, summary: "Read a source",
            answers: [.json("The source; secrets are masked.", .reference("Source"))]),
        "PUT /api/v1/sources/{id}": RouteDescription(
            id: "replaceSource", topic: .sources, summary: "Replace a source",
            detail: "A secret that is sent back masked stays what it is, and so does the path.", body: body,
            answers: [.json("The source.", .reference("Source"))], problems: [.conflict, .malformedJSON]),
        "DELETE /api/v1/sources/{id}": RouteDescription(
            id: "deleteSource", topic: .sources, summary: "Delete a source",
            answers: [.none(.noContent, "It is gone.")]),
    ]
}

extension HookRoutes {
    static let operationID = "takeHook"

    static let descriptions: RouteDescriptions = [
        "POST /hooks/{key}": RouteDescription(
            id: operationID, topic: .sources, summary: "Take a delivery of a source",
            detail: "Open to everybody who knows the path; a delivery proves who sent it as the source demands.",
            body: RouteDescription.Body(
                content: [
                    .init("application/json", .anything, example: ["action": "opened"]),
                    .init("application/x-www-form-urlencoded", .anyObject),
                    .init("text/plain", .text()),
                ], isRequired: false),
            answers: [
                RouteDescription.Answer(
                    status: .ok, about: "It is stored, now or before. The sender hears what it wants to.",
                    content: .init(
                        "application/json",
                        .any(of: [
                            .object([.always("id", .uuid), .always("duplicate", .flag)]),
                            .object([.always("challenge", .text())]),
                        ])))
            ],
            problems: [.unauthenticated, .idReused, .overloaded, .malformedJSON])
    ]
}

extension SchemaRoutes {
    static let descriptions: RouteDescriptions = [
        "GET /api/v1/schemas": RouteDescription(
            id: "listSchemas", topic: .schemas, summary: "List learned schemas",
            parameters: [.query("cursor", .word, "`next_cursor` of the page before."), .limit],
            answers: [.json("A page.", .page(of: .reference("LearnedSchema")))]),
        "GET /api/v1/schemas/{type}": RouteDescription(
            id: "getSchema", topic: .schemas, summary: "Read the learned schema of an event type",
            answers: [.json("The schema.", .reference("LearnedSchema"))]),
    ]
}

extension UsageRoutes {
    static let descriptions: RouteDescriptions = [
        "GET /api/v1/usage": RouteDescription(
            id: "listUsage", topic: .usage, summary: "Use of the language model, day by day",
            parameters: [.query("cursor", .day, "`next_cursor` of the page before."), .limit],
            answers: [.json("A page, the newest first, and the bounds of a day.", .reference("Usage"))])
    ]
}

extension HealthRoutes {
    private static func health(_ id: String) -> RouteDescription {
        RouteDescription(
            id: id, topic: .health, summary: "Whether the gateway, PostgreSQL and Redis work",
            answers: [
                .json(.ok, "All is well.", .reference("Health")),
                .json(.serviceUnavailable, "Something is not.", .reference("Health")),
            ])
    }

    static let descriptions: RouteDescriptions = [
        "GET /livez": RouteDescription(
            id: "getLiveness", topic: .health, summary: "Whether the process runs",
            answers: [.json("It does.", .object([.always("status", .constant("alive"))]))]),
        "GET /readyz": RouteDescription(
            id: "getReadiness", topic: .health, summary: "Whether the process can work",
            answers: [
                .json(.ok, "It can.", .reference("Readiness")),
                .json(.serviceUnavailable, "It can't.", .reference("Readiness")),
            ]),
        "GET /metrics": RouteDescription(
            id: "getMetrics", topic: .health, summary: "What Prometheus scrapes",
            answers: [
                RouteDescription.Answer(
                    status: .ok, about: "The text format of Prometheus.", content: .init("text/plain", .text()))
            ]),
        "GET /api/v1/health": health("getHealth"),
        "GET /health": health("getHealthAtRoot"),
    ]
}

extension InterfaceRoutes {
    static let descriptions: RouteDescriptions = [
        "GET /openapi.json": openAPI("getOpenAPI"),
        "GET /api/v1/openapi.json": openAPI("getOpenAPIOfVersion"),
        "GET /docs": RouteDescription(
            id: "getDocs", topic: .interface, summary: "This description as a page",
            answers: [
                RouteDescription.Answer(
                    status: .ok, about: "A page that loads nothing else.", content: .init("text/html", .text()))
            ]),
    ]

    private static func openAPI(_ id: String) -> RouteDescription {
        RouteDescription(
            id: id, topic: .interface, summary: "This description as OpenAPI 3.1",
            answers: [.json("The document.", .anyObject)])
    }
}
