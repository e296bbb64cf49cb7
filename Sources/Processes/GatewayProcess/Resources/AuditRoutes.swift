import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree

/// The audit log of the organization, the newest entry first.
struct AuditRoutes: Sendable {
    let audit: AuditStore

    func add(to routes: inout RouteTable) {
        routes.on(.get, "/api/v1/audit", scope: .auditRead, use: list)
    }

    @Sendable func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryParameters(request, knows: ["cursor", "limit", "action", "actor"])
        let limit = try query.limit()
        let before = try query.text("cursor")
        let sequence = before.flatMap { Int64($0) }
        guard (before == nil) == (sequence == nil) else {
            throw Problem.invalidParameter("cursor", "is not a cursor that this list gave")
        }
        let found = try await audit.list(
            organizationID: context.authenticated().organizationID, limit: limit + 1, before: sequence,
            action: query.text("action"), actor: query.text("actor"))
        return .list(Page(found, limit: limit) { String($0.sequence) }) { entry, body in
            body.object { Self.write(entry, to: &$0) }
        }
    }

    private static func write(_ entry: AuditEntry, to body: inout JSONWriter) {
        body.member("sequence", entry.sequence)
        body.member("at", entry.at.rfc3339)
        body.key("actor")
        body.object {
            $0.member("kind", entry.actorKind)
            $0.member("id", entry.actor)
        }
        body.member("address", entry.address)
        body.member("request_id", entry.requestID)
        body.member("action", entry.action)
        body.member("target", entry.target)
        body.memberRaw("details", entry.details.utf8)
    }
}
