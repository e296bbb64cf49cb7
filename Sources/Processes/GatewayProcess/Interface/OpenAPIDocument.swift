import EventStore
import HTTPTypes
import JSONTree
import Runtime

/// The API as an OpenAPI 3.1 document: the routes of the table, each with what ``RouteDescription`` says of it.
struct OpenAPIDocument: Sendable {
    /// JSON.
    let bytes: [UInt8]
    /// Routes of which nothing is said; they are left out.
    let undescribed: [String]

    init(_ routes: [DeclaredRoute], descriptions: RouteDescriptions = .all) {
        var described: [(route: DeclaredRoute, description: RouteDescription)] = []
        var undescribed: [String] = []
        for route in routes {
            if let description = descriptions[route.name] {
                described.append((route, description))
            } else {
                undescribed.append(route.name)
            }
        }
        self.undescribed = undescribed
        var writer = JSONWriter()
        Self.document(described).write(to: &writer)
        bytes = writer.bytes
    }

    private static func document(_ routes: [(route: DeclaredRoute, description: RouteDescription)]) -> JSONLiteral {
        var paths: [(name: String, value: JSONLiteral)] = []
        for path in routes.map(\.route.path) where !paths.contains(where: { $0.name == path }) {
            let operations = routes.filter { $0.route.path == path }
            paths.append(
                (
                    path,
                    .object(
                        operations.map {
                            (name: $0.route.method.rawValue.lowercased(), value: operation($0.route, $0.description))
                        })
                ))
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Collider", "version": .text(ColliderVersion.current), "summary": "An event platform.",
                "description": .text(introduction), "license": ["name": "MIT", "identifier": "MIT"],
            ],
            "servers": [["url": "/", "description": "This gateway."]],
            "tags": .array(
                RouteDescription.Topic.allCases.map {
                    ["name": .text($0.rawValue), "description": .text($0.about)]
                }),
            "paths": .object(paths),
            "components": [
                "securitySchemes": [
                    "key": [
                        "type": "http", "scheme": "bearer", "bearerFormat": "ck_…",
                        "description": """
                        An API key, or the access token of somebody who has logged in. A route names the scopes \
                        that it takes; `admin` has all but `organization:own`.
                        """,
                    ]
                ],
                "headers": .object(commonHeaders),
                "responses": .object(ProblemKind.byStatus.map { (name: $0.name, value: problem($0.kinds)) }),
                "schemas": .object(Components.schemas.map { (name: $0.name, value: $0.schema.literal) }),
            ],
        ]
    }

    private static let introduction = """
        Events come in over HTTP, triggers look at each of them exactly once, and what follows is delivered. \
        Errors are problem details (RFC 9457): `type` is a stable URI, `detail` says what is wrong with this request, \
        and `errors` points at each wrong member. Lists have `data` and `next_cursor`. Times are RFC 3339. Bodies may \
        be packed with gzip. Every answer has an `x-request-id`, which is also in the gateway's log.
        """

    private static let commonHeaders: [(name: String, value: JSONLiteral)] = [
        (
            "RequestID",
            [
                "description": "The id of the request: the one that was sent, where it is fit, else a new one.",
                "schema": ["type": "string", "maxLength": 64],
            ]
        ),
        ("RateLimitLimit", number("How many requests of this class go at once.")),
        ("RateLimitRemaining", number("How many of them are left.")),
        ("RateLimitReset", number("Seconds until all of them are there again.")),
        ("RetryAfter", number("Seconds after which to come again.")),
    ]

    /// What answers say of themselves, by their status.
    private static func headers(_ code: Int) -> JSONLiteral {
        var names = [("x-request-id", "RequestID")]
        if code == 429 {
            names += [
                ("ratelimit-limit", "RateLimitLimit"), ("ratelimit-remaining", "RateLimitRemaining"),
                ("ratelimit-reset", "RateLimitReset"), ("retry-after", "RetryAfter"),
            ]
        }
        return .object(names.map { (name: $0, value: ["$ref": .text("#/components/headers/\($1)")]) })
    }

    private static func number(_ about: String) -> JSONLiteral {
        ["description": .text(about), "schema": ["type": "integer", "minimum": 0]]
    }
}

// MARK: - Operations

extension OpenAPIDocument {
    private static func operation(_ route: DeclaredRoute, _ about: RouteDescription) -> JSONLiteral {
        var members: [(name: String, value: JSONLiteral)] = [
            ("operationId", .text(about.id)), ("tags", [.text(about.topic.rawValue)]),
            ("summary", .text(about.summary)),
        ]
        let scopes = (route.scope.map { [$0] } ?? []) + about.alsoNeeds
        let needs = scopes.isEmpty ? "" : "Needs \(scopes.map { "`\($0.rawValue)`" }.joined(separator: " and "))."
        let detail = [about.detail, needs].filter { !$0.isEmpty }.joined(separator: "\n\n")
        if !detail.isEmpty { members.append(("description", .text(detail))) }
        let parameters = route.pathParameters + about.parameters
        if !parameters.isEmpty { members.append(("parameters", .array(parameters.map(parameter)))) }
        if let body = about.body {
            members.append(
                (
                    "requestBody",
                    ["required": .bool(body.isRequired), "content": .object(body.content.map(content))]
                ))
        }
        members.append(("responses", .object(responses(route, about))))
        let isOpen = route.scope == nil && !about.asksForCaller
        let security: JSONLiteral = isOpen ? [] : [["key": .array(scopes.map { .text($0.rawValue) })]]
        members.append(("security", security))
        return .object(members)
    }

    private static func parameter(_ parameter: RouteDescription.Parameter) -> JSONLiteral {
        [
            "name": .text(parameter.name), "in": .text(parameter.place.rawValue),
            "required": .bool(parameter.isRequired), "description": .text(parameter.about),
            "schema": parameter.schema.literal,
        ]
    }

    private static func content(_ content: RouteDescription.Content) -> (name: String, value: JSONLiteral) {
        var members: [(name: String, value: JSONLiteral)] = [("schema", content.schema.literal)]
        if let example = content.example { members.append(("example", example)) }
        return (content.type, .object(members))
    }

    private static func responses(
        _ route: DeclaredRoute, _ about: RouteDescription
    ) -> [(name: String, value: JSONLiteral)] {
        var answers = about.answers.map { (name: String($0.status.code), value: response($0)) }
        let kinds = route.usualProblems(of: about) + about.problems
        for status in ProblemKind.byStatus where !status.kinds.allSatisfy({ !kinds.contains($0) }) {
            guard !answers.contains(where: { $0.name == String(status.code) }) else { continue }
            answers.append((String(status.code), ["$ref": .text("#/components/responses/\(status.name)")]))
        }
        return answers.sorted { $0.name < $1.name }
    }

    private static func response(_ answer: RouteDescription.Answer) -> JSONLiteral {
        var headers = answer.headers.map { header in
            (
                name: header.name,
                value: ["description": .text(header.about), "schema": header.schema.literal] as JSONLiteral
            )
        }
        headers.append(("x-request-id", ["$ref": "#/components/headers/RequestID"]))
        var members: [(name: String, value: JSONLiteral)] = [
            ("description", .text(answer.about)), ("headers", .object(headers)),
        ]
        if let content = answer.content { members.append(("content", .object([self.content(content)]))) }
        return .object(members)
    }

    private static func problem(_ kinds: [ProblemKind]) -> JSONLiteral {
        let names = kinds.map { "\($0.title) (`\($0.uri)`)" }.joined(separator: ", ")
        let first = kinds[0]
        return [
            "description": .text("\(names)."),
            "headers": headers(first.status.code),
            "content": [
                "application/problem+json": [
                    "schema": ["$ref": "#/components/schemas/Problem"],
                    "example": [
                        "type": .text(first.uri), "title": .text(first.title), "status": .integer(first.status.code),
                        "detail": .text(first.sample), "request_id": "019a8c1e-7b1c-7c55-9d55-0d2f2b1f7a10",
                    ],
                ]
            ],
        ]
    }
}

extension ProblemKind {
    /// The kinds of each status, with a name for them.
    static let byStatus: [(code: Int, name: String, kinds: [ProblemKind])] = {
        let codes = Set(allCases.map(\.status.code)).sorted()
        return codes.map { code in
            let kinds = allCases.filter { $0.status.code == code }
            let words = kinds[0].status.reasonPhrase.split(separator: " ").joined()
            return (code, words, kinds)
        }
    }()

    /// What such a problem may say.
    fileprivate var sample: String {
        switch self {
        case .malformedRequest: "the query is not percent-encoded UTF-8"
        case .unauthenticated: "send Authorization: Bearer with an API key or an access token"
        case .missingScope: "the caller lacks the scope triggers:write"
        case .notFound: "there is no trigger 019a8c1e-7b1c-7c55-9d55-0d2f2b1f7a10"
        case .validationFailed: "/name: is required"
        default: title.lowercased()
        }
    }
}
