import ActionModel
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree
import TriggerEngine

/// Triggers: create, list, get, replace, change, delete. Secrets of their actions are masked in every answer.
struct TriggerRoutes: Sendable {
    let triggers: TriggerStore
    /// Whether changes must say which version they are meant for.
    let requiresIfMatch: Bool

    func add(to routes: inout RouteTable) {
        routes.on(.get, "/api/v1/triggers", scope: .triggersRead, use: list)
        routes.on(.post, "/api/v1/triggers", scope: .triggersWrite, use: create)
        routes.on(.get, "/api/v1/triggers/:id", scope: .triggersRead, use: get)
        routes.on(.put, "/api/v1/triggers/:id", scope: .triggersWrite, use: replace)
        routes.on(.patch, "/api/v1/triggers/:id", scope: .triggersWrite, use: change)
        routes.on(.delete, "/api/v1/triggers/:id", scope: .triggersWrite, use: delete)
    }

    @Sendable func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryParameters(request, knows: ["cursor", "limit"])
        let limit = try query.limit()
        let found = try await triggers.list(
            organizationID: context.authenticated().organizationID, limit: limit + 1, after: query.uniqueID("cursor"))
        let page = Page(found, limit: limit) { $0.id.description }
        return .list(page) { trigger, body in
            body.object { Self.write(trigger, to: &$0) }
        }
    }

    @Sendable func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        return Self.answer(try await existing(context), to: request)
    }

    /// With `dry_run=true` nothing is stored, and the answer is what would be.
    @Sendable func create(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let isDryRun = try QueryParameters(request, knows: ["dry_run"]).flag("dry_run")
        let definition = try TriggerDefinition(try await body(request, context).root)
        if isDryRun { return Self.change(from: nil, to: definition) }
        let trigger = try await triggers.create(
            definition, by: context.actor(), organizationID: context.authenticated().organizationID)
        let headers: HTTPFields = [
            .location: "/api/v1/triggers/\(trigger.id)", .eTag: EntityTag.version(trigger.version),
        ]
        return .json(.created, headers: headers) { Self.write(trigger, to: &$0) }
    }

    /// Replaces the whole trigger by a new version; a secret sent back as it was masked stays what it is. With
    /// `dry_run=true` nothing is stored, and the answer is what would change.
    @Sendable func replace(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let isDryRun = try QueryParameters(request, knows: ["dry_run"]).flag("dry_run")
        let document = try await body(request, context)
        if isDryRun {
            let current = try await existing(context).definition
            return Self.change(from: current, to: try TriggerDefinition(document.root, secretsFrom: current))
        }
        let versions = try request.expectedVersions(required: requiresIfMatch)
        let id = try context.pathID("trigger")
        let organization = try context.authenticated().organizationID
        let replaced = try await triggers.replace(
            id, by: context.actor(), organizationID: organization, at: versions
        ) { current in
            try TriggerDefinition(document.root, secretsFrom: current)
        }
        guard let trigger = replaced else { throw Problem.notFound("trigger \(id)") }
        return Self.answer(trigger, to: request)
    }

    /// `{"changes": [{"path", "before", "after"}], "trigger"}`.
    private static func change(from current: TriggerDefinition?, to definition: TriggerDefinition) -> Response {
        .json { body in
            body.key("changes")
            body.array { list in
                for difference in current.map({ TriggerDifference.between($0, definition) }) ?? [] {
                    difference.write(to: &list)
                }
            }
            body.key("trigger")
            body.object { definition.write(to: &$0, secrets: .masked) }
        }
    }

    /// Changes members by a JSON merge patch (RFC 7396), such as `{"enabled": false}`; that makes a new version too.
    @Sendable func change(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        try request.requireJSON(suffixes: true)
        let document = try JSONDocument(try await request.readBody(.single, context: context))
        let versions = try request.expectedVersions(required: requiresIfMatch)
        let id = try context.pathID("trigger")
        let organization = try context.authenticated().organizationID
        let changed = try await triggers.replace(
            id, by: context.actor(), organizationID: organization, at: versions
        ) { current in
            try current.merging(document.root)
        }
        guard let trigger = changed else { throw Problem.notFound("trigger \(id)") }
        return Self.answer(trigger, to: request)
    }

    @Sendable func delete(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let versions = try request.expectedVersions(required: requiresIfMatch)
        let id = try context.pathID("trigger")
        let organization = try context.authenticated().organizationID
        guard try await triggers.delete(id, by: context.actor(), organizationID: organization, at: versions) else {
            throw Problem.notFound("trigger \(id)")
        }
        return Response(status: .noContent)
    }

    private func existing(_ context: GatewayContext) async throws -> Trigger {
        let id = try context.pathID("trigger")
        let organization = try context.authenticated().organizationID
        guard let trigger = try await triggers.trigger(id, organizationID: organization) else {
            throw Problem.notFound("trigger \(id)")
        }
        return trigger
    }

    private func body(_ request: Request, _ context: GatewayContext) async throws -> JSONDocument {
        try request.requireJSON()
        return try JSONDocument(try await request.readBody(.single, context: context))
    }

    /// The trigger with its tag.
    static func answer(_ trigger: Trigger, to request: Request) -> Response {
        Response.json { write(trigger, to: &$0) }.tagged(EntityTag.version(trigger.version), for: request)
    }

    static func write(_ trigger: Trigger, to body: inout JSONWriter) {
        body.member("id", trigger.id.description)
        body.member("version", Int(trigger.version))
        trigger.definition.write(to: &body, secrets: .masked)
        body.member("created_at", trigger.createdAt.rfc3339)
        body.member("updated_at", trigger.updatedAt.rfc3339)
    }
}
