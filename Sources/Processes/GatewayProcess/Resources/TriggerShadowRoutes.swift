import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree
import TriggerEngine

/// A version of a trigger that runs beside the live one, is recorded, and does nothing.
struct TriggerShadowRoutes: Sendable {
    let triggers: TriggerStore
    let firings: FiringStore

    func add(to routes: inout RouteTable) {
        routes.on(.put, "/api/v1/triggers/:id/shadow", scope: .triggersWrite, use: put)
        routes.on(.get, "/api/v1/triggers/:id/shadow", scope: .triggersRead, use: get)
        routes.on(.delete, "/api/v1/triggers/:id/shadow", scope: .triggersWrite, use: delete)
        routes.on(.post, "/api/v1/triggers/:id/shadow/promote", scope: .triggersWrite, use: promote)
    }

    /// Takes a whole definition; a secret sent back as it was masked stays what it is in the live version.
    @Sendable func put(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        try request.requireJSON()
        let document = try JSONDocument(try await request.readBody(.single, context: context))
        let id = try context.pathID("trigger")
        let shadow = try await triggers.setShadow(
            of: id, by: context.actor(), organizationID: context.authenticated().organizationID
        ) { live in
            try TriggerDefinition(document.root, secretsFrom: live)
        }
        guard let shadow else { throw Problem.notFound("trigger \(id)") }
        return .json { shadow.write(to: &$0) }
    }

    /// The version, and the events for which only it, or only the live version, has fired since.
    @Sendable func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let id = try context.pathID("trigger")
        let organization = try context.authenticated().organizationID
        guard let shadow = try await triggers.shadow(of: id, organizationID: organization) else {
            throw Problem.noShadow(id)
        }
        let differences = try await firings.differences(of: shadow.trigger)
        return .json { body in
            shadow.write(to: &body)
            body.key("differences")
            differences.write(to: &body)
        }
    }

    @Sendable func delete(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let id = try context.pathID("trigger")
        let organization = try context.authenticated().organizationID
        guard try await triggers.clearShadow(of: id, by: context.actor(), organizationID: organization) else {
            throw Problem.noShadow(id)
        }
        return Response(status: .noContent)
    }

    /// Makes a live version that says what the one in shadow does, and ends the shadow.
    @Sendable func promote(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let id = try context.pathID("trigger")
        let organization = try context.authenticated().organizationID
        let promoted = try await triggers.promoteShadow(of: id, by: context.actor(), organizationID: organization)
        guard let trigger = promoted else { throw Problem.noShadow(id) }
        return TriggerRoutes.answer(trigger, to: request)
    }
}

extension ShadowDifferences {
    fileprivate func write(to body: inout JSONWriter) {
        body.object { body in
            body.member("both", both)
            body.member("only_live", onlyLive)
            body.member("only_shadow", onlyShadow)
            body.member("truncated", isTruncated)
            body.key("samples")
            body.array { list in
                for sample in samples {
                    list.object {
                        $0.member("fired", sample.role.rawValue)
                        $0.member("event_id", sample.eventID.description)
                        $0.member("firing_id", sample.firingID.description)
                        $0.member("at", sample.at.rfc3339)
                    }
                }
            }
        }
    }
}

extension Problem {
    fileprivate static func noShadow(_ id: UniqueID) -> Problem { notFound("version in shadow of a trigger \(id)") }
}
