import HTTPTypes
import Hummingbird
import JSONTree
import Runtime

/// Health of the gateway, open to everybody: for people, for orchestrators, for Prometheus.
struct HealthRoutes: Sendable {
    let endpoints: HealthEndpoints
    /// What `/health` shows beyond readiness: without Redis the gateway still does all it has to.
    let connections: [ReadinessCheck]

    func add(to routes: inout RouteTable) {
        for path in ["/livez", "/readyz", "/metrics"] {
            routes.on(.get, path) { _, _ in
                guard let answer = await endpoints.answer(path: path) else { throw Problem.notFound("such page") }
                return Response(
                    status: HTTPResponse.Status(code: answer.status), headers: [.contentType: answer.contentType],
                    body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)))
            }
        }
        routes.on(.get, "/api/v1/health", use: health)
        routes.on(.get, "/health", use: health)
    }

    /// `{"status":"healthy","database":"connected","redis":"connected","version":"…"}`; 503 when not.
    @Sendable func health(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let report = await ReadinessReport.collect(connections)
        return .json(report.isReady ? .ok : .serviceUnavailable) { body in
            body.member("status", report.isReady ? "healthy" : "unhealthy")
            for (name, state) in report.states {
                switch state {
                case .ready: body.member(name, "connected")
                case .failing: body.member(name, "disconnected")
                }
            }
            body.member("version", ColliderVersion.current)
        }
    }
}
