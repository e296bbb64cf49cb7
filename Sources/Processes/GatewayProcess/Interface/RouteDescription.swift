import EventStore
import HTTPTypes

/// What a person or a program has to know of a route beyond what its declaration says.
///
/// Method, path and scope come from the route table itself. So that nothing is said of a route that is not there, and
/// no route is there of which nothing is said, tests compare the two.
struct RouteDescription: Sendable {
    /// The name of the operation in clients that are generated.
    let id: String
    let topic: Topic
    /// A few words.
    let summary: String
    /// What else there is to know, Markdown.
    var detail = ""
    var parameters: [Parameter] = []
    var body: Body?
    /// By status; problems that every route can have are added by ``OpenAPIDocument``.
    var answers: [Answer]
    /// Problems that only some routes have.
    var problems: [ProblemKind] = []
    /// Scopes that are needed beside the route's own.
    var alsoNeeds: [Scope] = []
    /// Whether a route that needs no scope asks all the same who calls.
    var asksForCaller = false

    /// What a route is about; the order is that of the document.
    enum Topic: String, CaseIterable {
        case events = "Events"
        case triggers = "Triggers"
        case firings = "Firings"
        case backtests = "Backtests"
        case deliveries = "Deliveries"
        case replays = "Replays"
        case breakers = "Circuit breakers"
        case sources = "Sources"
        case schemas = "Schemas"
        case usage = "Usage"
        case people = "People"
        case organizations = "Organizations"
        case keys = "API keys"
        case audit = "Audit log"
        case health = "Health"
        case interface = "Interface"

        var about: String {
            switch self {
            case .events: "What happened: taken in, listed, searched, counted, followed."
            case .triggers: "When something is to be done, and what; with versions, tests and shadows."
            case .firings: "That a trigger fired, for which event, and why."
            case .backtests: "What a trigger would have made of the events that are stored."
            case .deliveries: "What is done because a trigger fired, with every attempt."
            case .replays: "Deliveries made again, many at a time."
            case .breakers: "Endpoints that fail are left alone for a while."
            case .sources: "Webhooks of other systems, taken in as events."
            case .schemas: "What was learned about the data of each event type."
            case .usage: "What was used of the language model."
            case .people: "Accounts and sessions of people."
            case .organizations: "Who belongs together, as what, and who is invited."
            case .keys: "What programs prove themselves with."
            case .audit: "Who changed what, from where."
            case .health: "Whether the gateway works, open to everybody."
            case .interface: "This description."
            }
        }
    }

    /// A parameter of the query or a header field.
    struct Parameter: Sendable {
        enum Place: String { case query, header, path }

        let name: String
        let place: Place
        let schema: Schema
        let about: String
        var isRequired = false

        static func query(_ name: String, _ schema: Schema, _ about: String, required: Bool = false) -> Parameter {
            Parameter(name: name, place: .query, schema: schema, about: about, isRequired: required)
        }

        static func header(_ name: String, _ schema: Schema, _ about: String) -> Parameter {
            Parameter(name: name, place: .header, schema: schema, about: about)
        }

        /// Of every list.
        static let limit = query("limit", Schema.integer(1...1_000).usually(50), "Most items of a page.")
        /// Of lists that go on after an id.
        static let cursor = query("cursor", .uuid, "`next_cursor` of the page before.")
        static let idempotencyKey = header(
            "Idempotency-Key", Schema.text(1...200).with("pattern", "^[!-~]([ -~]*[!-~])?$"),
            "Stands for the `id` of events that have none, so that a request can be sent again.")
        static let traceparent = header(
            "traceparent", .text(), "The W3C trace that the request belongs to; one that can't be read is passed over.")
        static let ifMatch = header(
            "If-Match", .text(),
            "The `ETag` of the version that the change is meant for; for another the answer is 412.")
        static let ifNoneMatch = header(
            "If-None-Match", .text(), "The `ETag` of what is known already; that is answered with 304.")
        static func from(_ what: String) -> Parameter { query("from", .time, "\(what) at this time or later.") }
        static func to(_ what: String) -> Parameter { query("to", .time, "\(what) before this time.") }
    }

    /// What a request carries.
    struct Body: Sendable {
        let content: [Content]
        var isRequired = true

        static func json(_ schema: Schema, example: JSONLiteral) -> Body {
            Body(content: [Content("application/json", schema, example: example)])
        }
    }

    struct Content: Sendable {
        let type: String
        let schema: Schema
        let example: JSONLiteral?

        init(_ type: String, _ schema: Schema, example: JSONLiteral? = nil) {
            self.type = type
            self.schema = schema
            self.example = example
        }
    }

    struct Answer: Sendable {
        let status: HTTPResponse.Status
        let about: String
        var content: Content?
        var headers: [Parameter] = []

        static func json(
            _ status: HTTPResponse.Status = .ok, _ about: String, _ schema: Schema, headers: [Parameter] = [],
            example: JSONLiteral? = nil
        ) -> Answer {
            Answer(
                status: status, about: about, content: Content("application/json", schema, example: example),
                headers: headers)
        }

        static func json(_ about: String, _ schema: Schema) -> Answer { json(.ok, about, schema) }

        static func none(_ status: HTTPResponse.Status, _ about: String) -> Answer {
            Answer(status: status, about: about)
        }
    }
}

extension RouteDescription {
    /// The media types of which a client has to take one. Those who ask for health, and those who send webhooks, may
    /// say what they like.
    var negotiatedTypes: [String] {
        guard topic != .health, id != HookRoutes.operationID else { return [] }
        let types = answers.filter { $0.status.kind == .successful }.compactMap { $0.content?.type }
        return Set(types).sorted()
    }
}

/// By `GET /path/{parameter}`.
typealias RouteDescriptions = [String: RouteDescription]

extension RouteDescription.Parameter {
    /// Where what was made is.
    static let location = header("Location", .uri, "The path of what was made.")
    static let eTag = header("ETag", .text(), "The version, for `If-Match` and `If-None-Match`.")
}
