import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import NIOCore

/// Events as they are stored, as a stream that never ends by itself.
struct StreamRoutes: Sendable {
    let tail: LiveTail<StreamBatch>
    let authentication: Authentication
    let metrics: GatewayMetrics
    let times: StreamTimes

    func add(to routes: inout RouteTable) {
        routes.on(.get, "/api/v1/events/stream", scope: .eventsRead, use: open)
    }

    @Sendable func open(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryParameters(request, knows: StreamFilter.names.union([Self.lastEventIDParameter]))
        let filter = try StreamFilter(query)
        let after = try Self.lastEventID(request, query)
        guard request.method != .head else { return Response(status: .ok, headers: .eventStream) }
        let listener = StreamListener(
            subscription: try await subscribe(after, filter, context), filter: filter, times: times, metrics: metrics,
            logger: context.logger, isKeyGood: keyCheck(request, context.origin.address))
        return Response(
            status: .ok, headers: .eventStream,
            body: ResponseBody { writer in try await listener.run(request.body, &writer) })
    }

    private func subscribe(
        _ after: UniqueID?, _ filter: StreamFilter, _ context: GatewayContext
    ) async throws -> LiveSubscription<StreamBatch> {
        let channel = context.channel
        do {
            return try await tail.subscribe(
                organizationID: context.authenticated().organizationID, after: after, interest: filter.interest
            ) { channel.close(promise: nil) }
        } catch let error as EventStoreError {
            switch error.code {
            case .invalidCursor: throw Self.unknownEvent
            case .overloaded: throw Problem(.overloaded, error.message, headers: [.retryAfter: "5"])
            default: throw error
            }
        }
    }

    /// Looks the key up again. While the database is away nobody knows, and the stream goes on.
    private func keyCheck(_ request: Request, _ address: String) -> @Sendable () async -> Bool {
        let key = request.headers[.authorization].flatMap { Authentication.bearer($0) } ?? ""
        return { [authentication] in
            do {
                return try await authentication.principal(key, from: address)?.scopes.contains(.eventsRead) ?? false
            } catch {
                return true
            }
        }
    }

    private static let lastEventIDParameter = "last_event_id"
    private static let unknownEvent = Problem.invalidParameter(
        "Last-Event-ID", "no event has this id; read the list from the time you know, or begin without it")

    /// Where to go on. The header wins: a browser that reconnects sends it to the URL that it began with.
    private static func lastEventID(_ request: Request, _ query: QueryParameters) throws -> UniqueID? {
        let header = request.headers[.lastEventID].flatMap { $0.isEmpty ? nil : $0 }
        guard let text = try header ?? query.text(lastEventIDParameter) else { return nil }
        guard let id = UniqueID(text) else { throw unknownEvent }
        return id
    }
}

extension HTTPField.Name {
    /// HTML Living Standard §9.2.4.
    static let lastEventID = HTTPField.Name("last-event-id")!
    /// Read by nginx and by proxies that follow its custom.
    static let accelBuffering = HTTPField.Name("x-accel-buffering")!
}

extension HTTPFields {
    /// Of a stream of server-sent events. Proxies that collect an answer before they pass it on would hold every event
    /// back.
    static let eventStream: HTTPFields = [
        .contentType: "text/event-stream", .cacheControl: "no-store", .connection: "close", .accelBuffering: "no",
    ]
}
