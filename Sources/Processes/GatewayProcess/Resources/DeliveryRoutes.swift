import ActionModel
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree

/// Deliveries: lists by what they are about, and one with every attempt.
struct DeliveryRoutes: Sendable {
    let deliveries: DeliveryStore

    func add(to routes: inout RouteTable) {
        routes.on(.get, "/api/v1/deliveries", scope: .deliveriesRead, use: list)
        routes.on(.get, "/api/v1/deliveries/:id", scope: .deliveriesRead, use: get)
    }

    @Sendable func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryParameters(
            request,
            knows: ["status", "trigger_id", "event_id", "type", "from", "to", "cursor", "limit"])
        let filter = DeliveryFilter(
            status: try query.choice("status", of: DeliveryStatus.self),
            triggerID: try query.uniqueID("trigger_id"), eventID: try query.uniqueID("event_id"),
            kind: try query.choice("type", of: ActionKind.self),
            from: try query.time("from"), to: try query.time("to"))
        let limit = try query.limit()
        let found = try await deliveries.list(
            organizationID: context.authenticated().organizationID, filter: filter, limit: limit + 1,
            after: query.uniqueID("cursor"))
        let page = Page(found, limit: limit) { $0.id.description }
        return .list(page) { delivery, body in delivery.write(to: &body) }
    }

    @Sendable func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let id = try context.pathID("delivery")
        let organization = try context.authenticated().organizationID
        guard let delivery = try await deliveries.delivery(id, organizationID: organization) else {
            throw Problem.notFound("delivery \(id)")
        }
        let attempts = try await deliveries.attempts(of: id, organizationID: organization)
        var body = JSONWriter()
        delivery.write(to: &body, attempts: attempts)
        return .json(bytes: body.bytes)
    }
}
