import ActionModel
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree

/// Replays: deliveries made again, many at a time, as a job that a processor does.
struct ReplayRoutes: Sendable {
    private static let finished: [DeliveryStatus] = [.succeeded, .dead, .cancelled]

    let replays: ReplayStore
    let streams: ProgressStreams

    func add(to routes: inout RouteTable) {
        routes.on(.post, "/api/v1/deliveries/replay", scope: .deliveriesWrite, use: create)
        routes.on(.get, "/api/v1/replays", scope: .deliveriesRead, use: list)
        routes.on(.get, "/api/v1/replays/:id", scope: .deliveriesRead, use: get)
        routes.on(.get, "/api/v1/replays/:id/stream", scope: .deliveriesRead, use: stream)
        routes.on(.delete, "/api/v1/replays/:id", scope: .deliveriesWrite, use: cancel)
    }

    /// Takes `{"filter": {…}}` or `{"events": {"id"?, "type"?, "from"?, "to"?}, "trigger_id"?}`, with `rate`, `version`
    /// and `again`.
    @Sendable func create(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        try request.requireJSON()
        let document = try JSONDocument(try await request.readBody(.single, context: context))
        var reader = ObjectReader(document.root, pointer: "")
        let source = Self.readSource(&reader)
        let rate = reader.integer("rate", in: NewReplay.rates)
        let version = Self.readVersion(&reader)
        let again = reader.bool("again")
        try reader.finish()
        guard let source else { throw Problem(.internalError, "the request has no source") }
        var order = NewReplay(source, request: Array(document.root.source))
        order.rate = rate.map { Int($0) } ?? NewReplay.usualRate
        order.version = version ?? .fired
        order.again = again ?? false
        let replay = try await replays.create(
            order, by: context.actor(), organizationID: context.authenticated().organizationID)
        return .json(.accepted, headers: [.location: "/api/v1/replays/\(replay.id)"]) { replay.write(to: &$0) }
    }

    /// The newest first.
    @Sendable func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryParameters(request, knows: ["cursor", "limit"])
        let limit = try query.limit()
        let found = try await replays.list(
            organizationID: context.authenticated().organizationID, limit: limit + 1, after: query.uniqueID("cursor"))
        return .list(Page(found, limit: limit) { $0.id.description }) { replay, body in
            body.object { replay.write(to: &$0) }
        }
    }

    @Sendable func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let replay = try await existing(context)
        return .json { replay.write(to: &$0) }
    }

    /// Server-sent events: `progress` whenever there is some, `done` at the end.
    @Sendable func stream(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let replay = try await existing(context)
        guard request.method != .head else { return Response(status: .ok, headers: .eventStream) }
        let organization = try context.authenticated().organizationID
        return try streams.open(Progress(replay)) {
            try await replays.replay(replay.id, organizationID: organization).map { Progress($0) }
        }.response(to: request)
    }

    /// Gives a replay up; what it has made stays, and one that has ended stays as it is.
    @Sendable func cancel(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let id = try context.pathID("replay")
        let organization = try context.authenticated().organizationID
        guard let replay = try await replays.cancel(id, by: context.actor(), organizationID: organization) else {
            throw Problem.notFound("replay \(id)")
        }
        return .json { replay.write(to: &$0) }
    }

    private func existing(_ context: GatewayContext) async throws -> Replay {
        let id = try context.pathID("replay")
        let organization = try context.authenticated().organizationID
        guard let replay = try await replays.replay(id, organizationID: organization) else {
            throw Problem.notFound("replay \(id)")
        }
        return replay
    }

    private static func readSource(_ reader: inout ObjectReader) -> NewReplay.Source? {
        let filter = reader.deliveryFilter("filter", statuses: finished)
        let events = readEvents(&reader)
        let triggerID = reader.uniqueID("trigger_id")
        guard reader.isObject else { return nil }
        guard (filter == nil) != (events == nil) else {
            reader.refuse("give one of filter and events")
            return nil
        }
        if let filter {
            if reader.has("trigger_id") { reader.refuse("trigger_id", "stands in filter, or beside events") }
            return .deliveries(filter)
        }
        if reader.has("again") { reader.refuse("again", "is for filter: events run their actions every time") }
        return events.map { .firings($0, triggerID: triggerID) }
    }

    private static func readEvents(_ reader: inout ObjectReader) -> NewReplay.EventRange? {
        guard let value = reader.member("events") else { return nil }
        var inner = ObjectReader(value, pointer: reader.pointer(to: "events"))
        let range = NewReplay.EventRange(
            id: inner.uniqueID("id"), type: inner.string("type", length: 1...255), from: inner.time("from"),
            to: inner.time("to"))
        if range.id == nil, range.from == nil, inner.problems.isEmpty { inner.refuse("needs an id, or from") }
        if let from = range.from, let to = range.to, from >= to { inner.refuse("from", "must be before to") }
        reader.attempt { () throws(JSONValidationError) in try inner.finish() }
        return range
    }

    private static func readVersion(_ reader: inout ObjectReader) -> NewReplay.Version? {
        guard let text = reader.string("version") else { return nil }
        guard let version = NewReplay.Version(rawValue: text) else {
            reader.refuse("version", "must be fired or current")
            return nil
        }
        return version
    }
}

extension Progress {
    fileprivate init(_ replay: Replay) {
        var body = JSONWriter()
        body.object { replay.write(to: &$0) }
        self.init(json: body.bytes, isFinal: replay.status.isFinal)
    }
}
