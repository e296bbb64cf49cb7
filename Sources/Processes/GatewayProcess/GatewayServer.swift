import EventStore
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Runtime
import ServiceLifecycle

/// The HTTP server of the gateway.
///
/// Its bounds: connections, requests over HTTP/2, the size of a head, the times of a connection
/// (``ConnectionTimeouts``), and (with ``Hummingbird/Request/readBody(_:context:)``) the size and the time of a body.
struct GatewayServer: Service {
    private static let maximumConnections = 10_000
    private static let maximumRequests = 10_000

    let resources: GatewayResources
    let settings: ServerSettings
    let timeouts: ConnectionTimeouts
    let certificate: CertificateStore?
    let logger: Logger
    let onListening: @Sendable (Int) -> Void

    /// Serves until graceful shutdown; requests in hand are finished.
    ///
    /// - Throws: `ListenError` when the port can't be had.
    func run() async throws {
        let intake = FastIntake(
            log: resources.log, keys: resources.identity.authentication.keys,
            limits: RequestLimits(resources.quotas, settings.limits, resources.metrics), metrics: resources.metrics,
            logger: logger)
        let application = Application(
            responder: ShortStack(responder: Self.router(resources, settings).buildResponder()),
            server: HTTPServerBuilder { [timeouts, certificate, drain = resources.drain] responder in
                GatewayChannel(
                    responder: responder, intake: intake, timeouts: timeouts, drain: drain,
                    openRequests: OpenRequests(maximum: Self.maximumRequests), certificate: certificate)
            },
            configuration: ApplicationConfiguration(
                address: .hostname(settings.host, port: settings.port), serverName: nil,
                availableConnectionsDelegate: .maximum(Self.maximumConnections, logger: logger)),
            onServerRunning: { [onListening, settings, drain = resources.drain] in
                drain.listen()
                onListening($0.localAddress?.port ?? settings.port)
            },
            logger: logger)
        do {
            // Streams don't end by themselves, and the server waits for every answer to end.
            try await withGracefulShutdownHandler {
                try await application.run()
            } onGracefulShutdown: { [tail = resources.tail] in
                tail.close()
            }
        } catch {
            throw ListenError.explaining(error, host: settings.host, port: settings.port, key: "SERVER_PORT")
        }
    }

    static func router(_ resources: GatewayResources, _ settings: ServerSettings) -> Router<GatewayContext> {
        let routes = table(resources, settings)
        let router = Router(context: GatewayContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: Observation(metrics: resources.metrics))
        router.add(middleware: ClientAddress(proxies: resources.identity.settings.trustedProxies))
        router.add(middleware: CrossOrigin(origins: Set(settings.corsOrigins)))
        router.add(middleware: AnswerHeaders())
        router.add(middleware: PackedAnswers())
        router.add(middleware: ProblemAnswers(paths: routes.pathIndex))
        router.add(middleware: BodyDeadline(timeout: resources.bodyTimeout))
        routes.register(
            on: router, authentication: resources.identity.authentication,
            limits: RequestLimits(resources.quotas, settings.limits, resources.metrics))
        return router
    }

    /// Every route there is.
    static func table(_ resources: GatewayResources, _ settings: ServerSettings) -> RouteTable {
        var routes = RouteTable()
        HealthRoutes(endpoints: resources.health, connections: resources.connections).add(to: &routes)
        EventIntake(log: resources.log, events: resources.events, metrics: resources.metrics).add(to: &routes)
        EventRoutes(events: resources.events).add(to: &routes)
        StatsRoutes(stats: resources.stats).add(to: &routes)
        StreamRoutes(
            tail: resources.tail, authentication: resources.identity.authentication, metrics: resources.metrics,
            times: resources.streamTimes
        ).add(to: &routes)
        TriggerRoutes(triggers: resources.triggers, requiresIfMatch: settings.requiresIfMatch).add(to: &routes)
        TriggerVersionRoutes(triggers: resources.triggers).add(to: &routes)
        TriggerShadowRoutes(triggers: resources.triggers, firings: resources.firings).add(to: &routes)
        TriggerTestRoutes(triggers: resources.triggers).add(to: &routes)
        CalibrationRoutes(events: resources.events).add(to: &routes)
        FiringRoutes(firings: resources.firings).add(to: &routes)
        ExplanationRoutes(
            events: resources.events, triggers: resources.triggers, firings: resources.firings
        ).add(to: &routes)
        let progress = ProgressStreams()
        BacktestRoutes(
            triggers: resources.triggers, backtests: resources.backtests, streams: progress
        ).add(to: &routes)
        ReplayRoutes(replays: resources.replays, streams: progress).add(to: &routes)
        SchemaRoutes(schemas: resources.schemas).add(to: &routes)
        DeliveryRoutes(deliveries: resources.deliveries, queue: resources.queue).add(to: &routes)
        BreakerRoutes(breakers: resources.deliveries.breakers, triggers: resources.triggers).add(to: &routes)
        UsageRoutes(models: resources.models).add(to: &routes)
        SourceRoutes(sources: resources.sources).add(to: &routes)
        resources.identity.add(to: &routes)
        HookRoutes(
            sources: resources.sources, log: resources.log, metrics: resources.metrics, hooks: resources.hooks
        ).add(to: &routes)
        InterfaceRoutes(OpenAPIDocument(routes.declared + InterfaceRoutes.declared)).add(to: &routes)
        return routes
    }
}
