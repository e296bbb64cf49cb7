import ActionModel
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree

/// Sources: create, list, get, replace, delete. Their secrets are masked in every answer.
struct SourceRoutes: Sendable {
    let sources: SourceStore

    func add(to routes: inout RouteTable) {
        routes.on(.get, "/api/v1/sources", scope: .sourcesRead, use: list)
        routes.on(.post, "/api/v1/sources", scope: .sourcesWrite, use: create)
        routes.on(.get, "/api/v1/sources/:id", scope: .sourcesRead, use: get)
        routes.on(.put, "/api/v1/sources/:id", scope: .sourcesWrite, use: replace)
        routes.on(.delete, "/api/v1/sources/:id", scope: .sourcesWrite, use: delete)
    }

    @Sendable func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryParameters(request, knows: ["cursor", "limit"])
        let limit = try query.limit()
        let found = try await sources.list(
            organizationID: context.authenticated().organizationID, limit: limit + 1, after: query.uniqueID("cursor"))
        let page = Page(found, limit: limit) { $0.id.description }
        return .list(page) { source, body in
            body.object { Self.write(source, to: &$0) }
        }
    }

    @Sendable func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let id = try context.pathID("source")
        let organization = try context.authenticated().organizationID
        guard let source = try await sources.source(id, organizationID: organization) else {
            throw Problem.notFound("source \(id)")
        }
        return .json { Self.write(source, to: &$0) }
    }

    @Sendable func create(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let definition = try SourceDefinition(try await body(request, context).root)
        let source = try await sources.create(
            definition, by: context.actor(), organizationID: context.authenticated().organizationID)
        return .json(.created, headers: [.location: "/api/v1/sources/\(source.id)"]) { Self.write(source, to: &$0) }
    }

    /// Replaces the whole definition; a secret sent back as it was masked stays what it is, and so does the path.
    @Sendable func replace(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let document = try await body(request, context)
        let id = try context.pathID("source")
        let organization = try context.authenticated().organizationID
        let replaced = try await sources.replace(id, by: context.actor(), organizationID: organization) { current in
            try SourceDefinition(document.root, secretsFrom: current?.verification)
        }
        guard let source = replaced else { throw Problem.notFound("source \(id)") }
        return .json { Self.write(source, to: &$0) }
    }

    @Sendable func delete(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let id = try context.pathID("source")
        let organization = try context.authenticated().organizationID
        guard try await sources.delete(id, by: context.actor(), organizationID: organization) else {
            throw Problem.notFound("source \(id)")
        }
        return Response(status: .noContent)
    }

    private func body(_ request: Request, _ context: GatewayContext) async throws -> JSONDocument {
        try request.requireJSON()
        return try JSONDocument(try await request.readBody(.single, context: context))
    }

    private static func write(_ source: Source, to body: inout JSONWriter) {
        body.member("id", source.id.description)
        source.definition.write(to: &body, secrets: .masked)
        body.member("hook_path", HookRoutes.path(of: source.hookKey))
        body.member("created_at", source.createdAt.rfc3339)
        body.member("updated_at", source.updatedAt.rfc3339)
    }
}
