import ActionModel
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree
import JobQueue

/// Deliveries: lists by what they are about, one with every attempt, and what can be done to them.
struct DeliveryRoutes: Sendable {
    let deliveries: DeliveryStore
    let queue: ReadyQueue

    func add(to routes: inout RouteTable) {
        routes.on(.get, "/api/v1/deliveries", scope: .deliveriesRead, use: list)
        routes.on(.post, "/api/v1/deliveries/purge", scope: .deliveriesWrite, use: purge)
        routes.on(.get, "/api/v1/deliveries/:id", scope: .deliveriesRead, use: get)
        routes.on(.post, "/api/v1/deliveries/:id/retry", scope: .deliveriesWrite, use: retry)
        routes.on(.post, "/api/v1/deliveries/:id/cancel", scope: .deliveriesWrite, use: cancel)
    }

    @Sendable func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryParameters(
            request,
            knows: [
                "status", "trigger_id", "event_id", "type", "from", "to", "replay_id", "replayed", "cursor", "limit",
            ])
        var filter = DeliveryFilter(
            status: try query.choice("status", of: DeliveryStatus.self),
            triggerID: try query.uniqueID("trigger_id"), eventID: try query.uniqueID("event_id"),
            kind: try query.choice("type", of: ActionKind.self),
            from: try query.time("from"), to: try query.time("to"))
        filter.replayID = try query.uniqueID("replay_id")
        filter.isReplayed = try query.text("replayed") == nil ? nil : query.flag("replayed")
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
        return try await answer(delivery)
    }

    /// Brings a delivery back: it is attempted again, under the same id.
    @Sendable func retry(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let id = try context.pathID("delivery")
        let organization = try context.authenticated().organizationID
        switch try await deliveries.retry(id, by: context.actor(), organizationID: organization) {
        case nil: throw Problem.notFound("delivery \(id)")
        case .refused(let delivery):
            let hint =
                delivery.status == .succeeded
                ? "it has arrived; to send it once more, replay it" : "it is on its way already"
            throw Problem(.conflict, "delivery \(id) is \(delivery.status.rawValue): \(hint)")
        case .done(let delivery):
            // Where that fails, a promoter finds the row.
            try? await queue.push([ReadyDelivery(id: delivery.id, kind: delivery.kind)])
            return try await answer(delivery)
        }
    }

    /// Calls a delivery off.
    @Sendable func cancel(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let id = try context.pathID("delivery")
        let organization = try context.authenticated().organizationID
        switch try await deliveries.cancel(id, by: context.actor(), organizationID: organization) {
        case nil: throw Problem.notFound("delivery \(id)")
        case .refused(let delivery):
            throw Problem(.conflict, "delivery \(id) is \(delivery.status.rawValue): nothing is left to cancel")
        case .done(let delivery): return try await answer(delivery)
        }
    }

    /// Takes `{"filter": {"status"?, "trigger_id"?, "event_id"?, "type"?, "from"?, "to"?}}`, and deletes so many of the
    /// oldest at a time.
    @Sendable func purge(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        var reader = try await request.readObject(context)
        let filter = reader.deliveryFilter("filter", statuses: [.dead, .cancelled], required: true)
        try reader.finish()
        let limit = DeliveryStore.purgeLimit
        let count = try await deliveries.purge(
            organizationID: context.authenticated().organizationID, filter: filter ?? DeliveryFilter(), limit: limit,
            by: context.actor())
        return .json {
            $0.member("purged", count)
            $0.member("complete", count < limit)
        }
    }

    private func answer(_ delivery: Delivery) async throws -> Response {
        let attempts = try await deliveries.attempts(of: delivery.id, organizationID: delivery.organizationID)
        var body = JSONWriter()
        delivery.write(to: &body, attempts: attempts)
        return .json(bytes: body.bytes)
    }
}

extension Request {
    /// The JSON object of the body, to be read member by member.
    func readObject(_ context: GatewayContext) async throws -> ObjectReader {
        try requireJSON()
        return ObjectReader(try JSONDocument(try await readBody(.single, context: context)).root, pointer: "")
    }
}

extension ObjectReader {
    /// A member that says which deliveries are meant, by what lists of them are filtered by.
    ///
    /// - Parameter statuses: those that may be asked for.
    mutating func deliveryFilter(
        _ name: String, statuses: [DeliveryStatus], required: Bool = false
    ) -> DeliveryFilter? {
        guard let value = member(name, required: required) else { return nil }
        var inner = ObjectReader(value, pointer: pointer(to: name))
        var filter = DeliveryFilter()
        if let text = inner.string("status") {
            filter.status = statuses.first { $0.rawValue == text }
            if filter.status == nil {
                inner.refuse("status", "must be one of \(statuses.map(\.rawValue).joined(separator: ", "))")
            }
        }
        filter.triggerID = inner.uniqueID("trigger_id")
        filter.eventID = inner.uniqueID("event_id")
        if let text = inner.string("type") {
            filter.kind = ActionKind(rawValue: text)
            if filter.kind == nil {
                inner.refuse("type", "must be one of \(ActionKind.allCases.map(\.rawValue).joined(separator: ", "))")
            }
        }
        filter.from = inner.time("from")
        filter.to = inner.time("to")
        if value.kind == .object, value.count == 0 {
            inner.refuse("must say something: status, trigger_id, event_id, type, from or to")
        }
        attempt { () throws(JSONValidationError) in try inner.finish() }
        return filter
    }
}
