import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree
import TriggerEngine

/// Firings: lists by what they are about, and one with why it came to be.
struct FiringRoutes: Sendable {
    let firings: FiringStore

    func add(to routes: inout RouteTable) {
        routes.on(.get, "/api/v1/firings", scope: .triggersRead, use: list)
        routes.on(.get, "/api/v1/firings/:id", scope: .triggersRead, use: get)
        routes.on(.get, "/api/v1/triggers/:id/firings", scope: .triggersRead, use: listOfTrigger)
    }

    @Sendable func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryParameters(
            request, knows: ["trigger", "event", "role", "from", "to", "cursor", "limit"])
        let filter = FiringFilter(
            triggerID: try query.uniqueID("trigger"), eventID: try query.uniqueID("event"),
            role: try query.choice("role", of: TriggerRole.self), from: try query.time("from"),
            to: try query.time("to"))
        return try await page(filter, query, context)
    }

    @Sendable func listOfTrigger(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryParameters(request, knows: ["role", "from", "to", "cursor", "limit"])
        let filter = FiringFilter(
            triggerID: try context.pathID("trigger"), role: try query.choice("role", of: TriggerRole.self),
            from: try query.time("from"), to: try query.time("to"))
        return try await page(filter, query, context)
    }

    /// With the explanation, which holds values of the event: who may not read events may not read that.
    @Sendable func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        try context.require(.eventsRead)
        let id = try context.pathID("firing")
        let organization = try context.authenticated().organizationID
        guard let firing = try await firings.firing(id, organizationID: organization) else {
            throw Problem.notFound("firing \(id)")
        }
        return .json { firing.write(to: &$0) }
    }

    private func page(
        _ filter: FiringFilter, _ query: QueryParameters, _ context: GatewayContext
    ) async throws -> Response {
        let limit = try query.limit()
        let found = try await firings.list(
            organizationID: context.authenticated().organizationID, filter: filter, limit: limit + 1,
            after: query.uniqueID("cursor"))
        return .list(Page(found, limit: limit) { $0.id.description }) { firing, body in
            body.object { firing.write(to: &$0) }
        }
    }
}
