import ActionModel
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree

/// What the organization has used of the language model, day by day, and what it may use of one.
struct UsageRoutes: Sendable {
    let models: ModelStore

    func add(to routes: inout RouteTable) {
        routes.on(.get, "/api/v1/usage", scope: .deliveriesRead, use: list)
    }

    @Sendable func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryParameters(request, knows: ["cursor", "limit"])
        let limit = try query.limit()
        let organization = try context.authenticated().organizationID
        let budget = try await models.budget(organizationID: organization)
        let found = try await models.days(
            organizationID: organization, before: Self.day(query.text("cursor")), limit: limit + 1)
        let page = Page(found, limit: limit) { String($0.day.rfc3339.prefix(10)) }
        return .json { body in
            body.key("budget")
            body.object {
                Self.write(budget.tokensPerDay, as: "tokens_per_day", to: &$0)
                Self.write(budget.secondsPerDay, as: "seconds_per_day", to: &$0)
            }
            body.key("data")
            body.array { data in
                for day in page.items { Self.write(day, to: &data) }
            }
            body.member("next_cursor", page.nextCursor)
        }
    }

    private static func day(_ text: String?) throws -> Timestamp? {
        guard let text else { return nil }
        guard let day = Timestamp(rfc3339: "\(text)T00:00:00Z") else {
            throw Problem.invalidParameter("cursor", "is none that a list gave")
        }
        return day
    }

    private static func write(_ bound: Int64?, as name: String, to writer: inout JSONWriter) {
        if let bound { writer.member(name, bound) } else { writer.memberNull(name) }
    }

    private static func write(_ day: ModelDay, to writer: inout JSONWriter) {
        writer.object {
            $0.member("day", String(day.day.rfc3339.prefix(10)))
            $0.member("requests", day.use.requests)
            $0.member("cached_answers", day.cached)
            $0.member("prompt_tokens", day.use.usage.promptTokens)
            $0.member("completion_tokens", day.use.usage.completionTokens)
            $0.member("set_aside_tokens", day.setAsideTokens)
            $0.member("seconds", Double(day.use.microseconds / 1_000) / 1_000)
        }
    }
}
