import JSONTree

/// Answers of `/livez`, `/readyz` and `/metrics`, the same for every process.
///
/// Alive means that the process can answer. Ready means that what it depends on answers too; an orchestrator takes
/// traffic away from a process that is not ready, and restarts one that is not alive.
public struct HealthEndpoints: Sendable {
    /// One finished answer.
    public struct Answer: Sendable {
        /// HTTP status code.
        public let status: Int
        /// Media type of the body.
        public let contentType: String
        /// The body.
        public let body: [UInt8]
    }

    /// What has to be there for the process to be ready.
    public let checks: [ReadinessCheck]
    private let metrics: PrometheusMetrics

    /// Creates the answers of one process.
    public init(checks: [ReadinessCheck], metrics: PrometheusMetrics) {
        self.checks = checks
        self.metrics = metrics
    }

    /// The answer for a path, nil when it is none of the three.
    public func answer(path: String) async -> Answer? {
        switch path {
        case "/livez": Self.json(200) { $0.member("status", "alive") }
        case "/readyz": await readiness()
        case "/metrics":
            Answer(status: 200, contentType: PrometheusMetrics.contentType, body: Array(metrics.text().utf8))
        default: nil
        }
    }

    private func readiness() async -> Answer {
        let report = await ReadinessReport.collect(checks)
        return Self.json(report.isReady ? 200 : 503) { body in
            body.member("status", report.isReady ? "ready" : "not_ready")
            body.key("checks")
            body.array { list in
                for (name, state) in report.states {
                    list.object { check in
                        check.member("name", name)
                        switch state {
                        case .ready(let detail):
                            check.member("state", "ready")
                            check.member("detail", detail)
                        case .failing(let detail):
                            check.member("state", "failing")
                            check.member("detail", detail)
                        }
                    }
                }
            }
        }
    }

    private static func json(_ status: Int, _ members: (inout JSONWriter) -> Void) -> Answer {
        var writer = JSONWriter()
        writer.object(members)
        return Answer(status: status, contentType: "application/json", body: writer.bytes)
    }
}
