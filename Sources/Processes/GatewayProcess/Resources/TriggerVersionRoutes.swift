import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree
import TriggerEngine

/// What a trigger was: its versions, how they differ, and the way back.
struct TriggerVersionRoutes: Sendable {
    let triggers: TriggerStore

    func add(to routes: inout RouteTable) {
        routes.on(.get, "/api/v1/triggers/:id/versions", scope: .triggersRead, use: list)
        routes.on(.get, "/api/v1/triggers/:id/versions/:n", scope: .triggersRead, use: get)
        routes.on(.get, "/api/v1/triggers/:id/versions/:n/diff/:m", scope: .triggersRead, use: diff)
        routes.on(.post, "/api/v1/triggers/:id/versions/:n/rollback", scope: .triggersWrite, use: rollBack)
    }

    /// The newest first.
    @Sendable func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryParameters(request, knows: ["cursor", "limit"])
        let limit = try query.limit()
        let id = try context.pathID("trigger")
        let found = try await triggers.versions(
            of: id, organizationID: context.authenticated().organizationID, limit: limit + 1,
            before: query.versionCursor())
        guard let found else { throw Problem.notFound("trigger \(id)") }
        let page = Page(found, limit: limit) { String($0.number) }
        return .list(page) { version, body in
            body.object { version.write(to: &$0) }
        }
    }

    @Sendable func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let version = try await existing("n", context)
        return .json { version.write(to: &$0) }
    }

    /// `{"from", "to", "changes": [{"path", "before", "after"}]}`, the paths as JSON pointers into the trigger.
    @Sendable func diff(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let from = try await existing("n", context)
        let to = try await existing("m", context)
        let changes = TriggerDifference.between(from.trigger.definition, to.trigger.definition)
        return .json { body in
            body.member("from", Int(from.number))
            body.member("to", Int(to.number))
            body.key("changes")
            body.array { for change in changes { change.write(to: &$0) } }
        }
    }

    /// Makes a new version that says what an old one did.
    @Sendable func rollBack(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let id = try context.pathID("trigger")
        let number = try context.pathVersion("n")
        let trigger = try await triggers.rollBack(
            id, to: number, by: context.actor(), organizationID: context.authenticated().organizationID)
        guard let trigger else { throw Problem.notFound("version \(number) of a trigger \(id)") }
        return TriggerRoutes.answer(trigger, to: request)
    }

    private func existing(_ parameter: String, _ context: GatewayContext) async throws -> TriggerVersion {
        let id = try context.pathID("trigger")
        let number = try context.pathVersion(parameter)
        let organization = try context.authenticated().organizationID
        guard let version = try await triggers.version(number, of: id, organizationID: organization) else {
            throw Problem.notFound("version \(number) of a trigger \(id)")
        }
        return version
    }
}

extension TriggerVersion {
    /// Writes the members of the version: the trigger as it was, secrets masked, and what the version is at present.
    func write(to body: inout JSONWriter) {
        body.member("version", Int(number))
        body.member("role", role?.rawValue)
        body.member("made_at", trigger.updatedAt.rfc3339)
        body.key("trigger")
        body.object { TriggerRoutes.write(trigger, to: &$0) }
    }
}

extension GatewayContext {
    /// A parameter of the path that is the number of a version.
    ///
    /// - Throws: `not-found`, because what is no number is no version of anything.
    fileprivate func pathVersion(_ name: String) throws -> Int32 {
        guard let number = parameters.get(name).flatMap({ Int32($0) }), number > 0 else {
            throw Problem.notFound("version of that number")
        }
        return number
    }
}

extension QueryParameters {
    fileprivate func versionCursor() throws -> Int32? {
        guard let text = try text("cursor") else { return nil }
        guard let number = Int32(text), number > 0 else {
            throw Problem.invalidParameter("cursor", "is not a cursor that this list gave")
        }
        return number
    }
}
