import EventStore
import HTTPTypes
import Hummingbird
import JSONTree
import SchemaLearning

/// What was learned about each event type.
struct SchemaRoutes: Sendable {
    let schemas: SchemaStore

    func add(to routes: inout RouteTable) {
        routes.on(.get, "/api/v1/schemas", scope: .schemasRead, use: list)
        routes.on(.get, "/api/v1/schemas/:type", scope: .schemasRead, use: get)
    }

    @Sendable func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryParameters(request, knows: ["cursor", "limit"])
        let limit = try query.limit()
        let found = try await schemas.list(
            organizationID: context.authenticated().organizationID, limit: limit + 1, after: query.text("cursor"))
        return .list(Page(found, limit: limit, cursor: \.eventType)) { schema, body in schema.write(to: &body) }
    }

    @Sendable func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let type = try context.pathText("type")
        let organization = try context.authenticated().organizationID
        guard let schema = try await schemas.schema(organizationID: organization, eventType: type) else {
            throw Problem.notFound("schema of that type; one is learned from its first event")
        }
        var body = JSONWriter()
        schema.write(to: &body)
        return .json(bytes: body.bytes)
    }
}
