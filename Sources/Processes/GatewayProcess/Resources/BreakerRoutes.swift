import ActionModel
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree
import TriggerEngine

/// Circuit breakers: lists, one, and those of a trigger's endpoints, which can be opened and closed.
struct BreakerRoutes: Sendable {
    let breakers: BreakerStore
    let triggers: TriggerStore

    func add(to routes: inout RouteTable) {
        routes.on(.get, "/api/v1/circuit-breakers", scope: .deliveriesRead, use: list)
        routes.on(.get, "/api/v1/circuit-breakers/:id", scope: .deliveriesRead, use: get)
        routes.on(.get, "/api/v1/triggers/:id/circuit-breaker", scope: .triggersRead, use: getOfTrigger)
        routes.on(.patch, "/api/v1/triggers/:id/circuit-breaker", scope: .triggersWrite, use: change)
        routes.on(.post, "/api/v1/triggers/:id/circuit-breaker/reset", scope: .triggersWrite, use: reset)
    }

    @Sendable func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryParameters(request, knows: ["state", "cursor", "limit"])
        let limit = try query.limit()
        let found = try await breakers.list(
            organizationID: context.authenticated().organizationID,
            state: query.choice("state", of: CircuitBreaker.State.self), limit: limit + 1,
            after: query.uniqueID("cursor"))
        return .list(Page(found, limit: limit) { $0.id.description }) { breaker, body in
            body.object { breaker.write(to: &$0) }
        }
    }

    @Sendable func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let id = try context.pathID("circuit breaker")
        let organization = try context.authenticated().organizationID
        guard let breaker = try await breakers.breaker(id, organizationID: organization) else {
            throw Problem.notFound("circuit breaker \(id)")
        }
        return .json { breaker.write(to: &$0) }
    }

    @Sendable func getOfTrigger(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        return try await answer(try await trigger(context))
    }

    /// `{"state": "open" | "closed", "for"?: duration, "endpoint"?}`: for all endpoints of the trigger, or for one. It
    /// counts for every trigger of the organization that goes to the same endpoint.
    @Sendable func change(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        try request.requireJSON(suffixes: true)
        let document = try JSONDocument(try await request.readBody(.single, context: context))
        let trigger = try await trigger(context)
        let change = try BreakerChange(document.root, of: trigger.endpoints)
        if change.isOpen {
            try await breakers.open(
                change.endpoints, organizationID: trigger.organizationID, forMicroseconds: change.microseconds,
                by: context.actor())
        } else {
            try await breakers.close(
                change.endpoints, organizationID: trigger.organizationID, by: context.actor())
        }
        return try await answer(trigger)
    }

    /// Closes the breakers of all endpoints of the trigger, and forgets what they have counted.
    @Sendable func reset(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let trigger = try await trigger(context)
        try await breakers.close(trigger.endpoints, organizationID: trigger.organizationID, by: context.actor())
        return try await answer(trigger)
    }

    private func trigger(_ context: GatewayContext) async throws -> Trigger {
        let id = try context.pathID("trigger")
        let organization = try context.authenticated().organizationID
        guard let trigger = try await triggers.trigger(id, organizationID: organization) else {
            throw Problem.notFound("trigger \(id)")
        }
        return trigger
    }

    /// `{"trigger_id", "state": the worst of them, "endpoints": […]}`.
    private func answer(_ trigger: Trigger) async throws -> Response {
        let found = try await breakers.breakers(of: trigger.endpoints, organizationID: trigger.organizationID)
        let states = found.values.map(\.state)
        let worst = [CircuitBreaker.State.open, .halfOpen].first { states.contains($0) } ?? .closed
        return .json { body in
            body.member("trigger_id", trigger.id.description)
            body.member("state", worst.rawValue)
            body.key("endpoints")
            body.array { list in
                for (endpoint, breaker) in found.sorted(by: { $0.key < $1.key }) {
                    list.object { EndpointBreaker.write(breaker, of: endpoint, to: &$0) }
                }
            }
        }
    }
}

extension Trigger {
    /// Where its actions go.
    fileprivate var endpoints: Set<String> { Set(definition.actions.compactMap(\.config.endpoint)) }
}

/// What a person wants of breakers.
private struct BreakerChange {
    let isOpen: Bool
    /// How long; nil for until further notice.
    let microseconds: Int64?
    let endpoints: Set<String>

    init(_ value: JSONValue, of known: Set<String>) throws(JSONValidationError) {
        var reader = ObjectReader(value, pointer: "")
        let state = reader.string("state", required: true)
        if let state, state != "open", state != "closed" {
            reader.refuse("state", "must be open or closed; half-open is what an open one becomes by itself")
        }
        let span = reader.string("for")
        microseconds = span.flatMap { TimeSpan($0) }?.microseconds
        if span != nil, microseconds.map({ $0 >= 1_000_000 && $0 <= 30 * 86_400_000_000 }) != true {
            reader.refuse("for", "must be a duration from 1s to 30d, like \"30m\"")
        } else if span != nil, state == "closed" {
            reader.refuse("for", "is for opening; a closed breaker opens by itself when its endpoint fails")
        }
        let endpoint = reader.string("endpoint")
        if let endpoint, !known.contains(endpoint) {
            let names = known.isEmpty ? "none" : known.sorted().joined(separator: ", ")
            reader.refuse("endpoint", "is no endpoint of the trigger; it has \(names)")
        }
        try reader.finish()
        isOpen = state == "open"
        endpoints = endpoint.map { [$0] } ?? known
    }
}
