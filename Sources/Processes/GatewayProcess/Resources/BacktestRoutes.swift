import ActionModel
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree
import Runtime
import TriggerEngine

/// Backtests: what a trigger, or a draft of one, would have made of the events that are stored.
///
/// They tell values of events, so the right to read events is needed beside that to read, or to change, triggers.
struct BacktestRoutes: Sendable {
    let triggers: TriggerStore
    let backtests: BacktestStore
    let streams: ProgressStreams

    func add(to routes: inout RouteTable) {
        routes.on(.post, "/api/v1/triggers/backtest", scope: .triggersWrite, use: createForDraft)
        routes.on(.post, "/api/v1/triggers/:id/backtest", scope: .triggersWrite, use: createForTrigger)
        routes.on(.get, "/api/v1/backtests", scope: .triggersRead, use: list)
        routes.on(.get, "/api/v1/backtests/:id", scope: .triggersRead, use: get)
        routes.on(.get, "/api/v1/backtests/:id/stream", scope: .triggersRead, use: stream)
        routes.on(.delete, "/api/v1/backtests/:id", scope: .triggersWrite, use: cancel)
    }

    /// Takes `{"trigger", "from", "to"?}`.
    @Sendable func createForDraft(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var (reader, organization) = try await read(request, context)
        let draft = reader.member("trigger", required: true)
        let definition = draft.flatMap { draft in
            reader.attempt { () throws(JSONValidationError) -> TriggerDefinition in
                try TriggerDefinition.draft(draft, at: "/trigger")
            }
        }
        let (from, to) = Self.readTimes(&reader)
        try reader.finish()
        guard let definition, let from else { throw Problem(.internalError, "the request has no trigger") }
        return try await create(NewBacktest(definition, from: from, to: to), organization, by: context.actor())
    }

    /// Takes `{"from", "to"?}`.
    @Sendable func createForTrigger(_ request: Request, _ context: GatewayContext) async throws -> Response {
        var (reader, organization) = try await read(request, context)
        let (from, to) = Self.readTimes(&reader)
        try reader.finish()
        let id = try context.pathID("trigger")
        guard let trigger = try await triggers.trigger(id, organizationID: organization), let from else {
            throw Problem.notFound("trigger \(id)")
        }
        let order = NewBacktest(trigger.definition, stored: (id, trigger.version), from: from, to: to)
        return try await create(order, organization, by: context.actor())
    }

    /// The newest first, without results.
    @Sendable func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryParameters(request, knows: ["trigger", "cursor", "limit"])
        try context.require(.eventsRead)
        let limit = try query.limit()
        let found = try await backtests.list(
            organizationID: context.authenticated().organizationID, triggerID: query.uniqueID("trigger"),
            limit: limit + 1, after: query.uniqueID("cursor"))
        return .list(Page(found, limit: limit) { $0.id.description }) { backtest, body in
            body.object { backtest.write(to: &$0, withResult: false) }
        }
    }

    @Sendable func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let backtest = try await existing(context)
        return .json { backtest.write(to: &$0) }
    }

    /// Server-sent events: `progress` whenever there is some, `done` with the result at the end.
    @Sendable func stream(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let backtest = try await existing(context)
        guard request.method != .head else { return Response(status: .ok, headers: .eventStream) }
        let organization = try context.authenticated().organizationID
        return try streams.open(Progress(backtest)) {
            try await backtests.backtest(backtest.id, organizationID: organization).map { Progress($0) }
        }.response(to: request)
    }

    /// Gives a backtest up; one that has ended stays as it is.
    @Sendable func cancel(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        try context.require(.eventsRead)
        let id = try context.pathID("backtest")
        let organization = try context.authenticated().organizationID
        guard let backtest = try await backtests.cancel(id, by: context.actor(), organizationID: organization) else {
            throw Problem.notFound("backtest \(id)")
        }
        return .json { backtest.write(to: &$0) }
    }

    private func existing(_ context: GatewayContext) async throws -> Backtest {
        try context.require(.eventsRead)
        let id = try context.pathID("backtest")
        let organization = try context.authenticated().organizationID
        guard let backtest = try await backtests.backtest(id, organizationID: organization) else {
            throw Problem.notFound("backtest \(id)")
        }
        return backtest
    }

    private func read(_ request: Request, _ context: GatewayContext) async throws -> (ObjectReader, UniqueID) {
        _ = try QueryParameters(request, knows: [])
        try context.require(.eventsRead)
        try request.requireJSON()
        let document = try JSONDocument(try await request.readBody(.single, context: context))
        return (ObjectReader(document.root, pointer: ""), try context.authenticated().organizationID)
    }

    /// `from` and `to`; what is still to come is no history.
    private static func readTimes(_ reader: inout ObjectReader) -> (from: Timestamp?, to: Timestamp) {
        let now = Timestamp.now()
        let from = reader.time("from", required: true)
        let to = min(now, reader.time("to") ?? now)
        guard let from else { return (nil, to) }
        if from >= to { reader.refuse("from", "must be before to, and in the past") }
        let days = (to.microseconds - from.microseconds) / (86_400 * 1_000_000)
        if days > NewBacktest.maximumDays {
            reader.refuse("from", "must be at most \(NewBacktest.maximumDays) days before to")
        }
        return (from, to)
    }

    private func create(
        _ order: NewBacktest, _ organization: UniqueID, by actor: AuditActor
    ) async throws -> Response {
        let backtest = try await backtests.create(order, by: actor, organizationID: organization)
        return .json(.accepted, headers: [.location: "/api/v1/backtests/\(backtest.id)"]) { backtest.write(to: &$0) }
    }
}

extension Progress {
    /// With the result at the end.
    fileprivate init(_ backtest: Backtest) {
        var body = JSONWriter()
        body.object { backtest.write(to: &$0, withResult: backtest.status.isFinal) }
        self.init(json: body.bytes, isFinal: backtest.status.isFinal)
    }
}
