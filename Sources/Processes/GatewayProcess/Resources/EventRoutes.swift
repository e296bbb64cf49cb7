import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree

/// Reading events: one by id, and lists in the order of their log positions.
struct EventRoutes: Sendable {
    let events: EventReader

    func add(to routes: inout RouteTable) {
        routes.on(.get, "/api/v1/events", scope: .eventsRead, use: list)
        routes.on(.get, "/api/v1/events/:id", scope: .eventsRead, use: get)
    }

    @Sendable func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryParameters(request, knows: EventQuery.names.union(["cursor", "limit", "order"]))
        let order = try query.choice("order", of: EventOrder.self) ?? .descending
        let filter = try EventQuery(query).filter
        let found = try await events.list(
            organizationID: context.authenticated().organizationID, filter: filter, order: order, limit: query.limit(),
            after: query.text("cursor"))
        let page = Page(items: found.events, nextCursor: found.nextCursor?.description)
        return .list(page) { event, body in event.write(to: &body) }
    }

    @Sendable func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let id = try context.pathID("event")
        guard let event = try await events.event(id, organizationID: context.authenticated().organizationID) else {
            throw Problem.notFound("event \(id)")
        }
        var body = JSONWriter()
        event.write(to: &body)
        return .json(bytes: body.bytes)
    }
}
