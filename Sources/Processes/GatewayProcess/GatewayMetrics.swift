import HTTPTypes
import Metrics
import Runtime
import Synchronization

/// What the gateway counts.
final class GatewayMetrics: Sendable {
    static let descriptions = [
        MetricDescription("gateway_http_requests", "Requests answered, by method, route and class of status."),
        MetricDescription("gateway_http_request_duration", "Time from a request's head to its answer, by route."),
        MetricDescription("gateway_events", "Events posted, by result: accepted, duplicate, rejected."),
        MetricDescription("gateway_refusals", "Events and bodies refused, by the type of their problem."),
        MetricDescription(
            "gateway_rate_limited", "Requests refused for their rate, by class: ingest, read, write, login."),
        MetricDescription("gateway_open_streams", "Streams of events that are open."),
        MetricDescription("gateway_sent_events", "Events sent over streams, counted once for each stream."),
        MetricDescription(
            "gateway_ended_streams", "Streams ended, by reason: disconnected, slow_reader, key_revoked, shutdown."),
    ]

    /// What became of a posted event; what was refused is counted by its reason too.
    enum EventResult: String, CaseIterable { case accepted, duplicate, rejected }

    private struct Key: Hashable {
        let method: String
        let route: String
        let statusClass: Int
    }

    private struct Instruments: Sendable {
        let count: Counter
        let duration: Timer
    }

    private let instruments = Mutex<[Key: Instruments]>([:])
    private let events: [EventResult: Counter]
    private let refusals: [ProblemKind: Counter]
    private let limited: [RouteClass: Counter]
    private let openStreams = Mutex(0)
    private let openStreamsGauge: Recorder
    private let sentEvents: Counter
    private let endedStreams: [StreamEnding: Counter]

    init(factory: any MetricsFactory) {
        self.factory = factory
        events = Dictionary(
            uniqueKeysWithValues: EventResult.allCases.map {
                ($0, Counter(label: "gateway_events", dimensions: [("result", $0.rawValue)], factory: factory))
            })
        refusals = Dictionary(
            uniqueKeysWithValues: ProblemKind.allCases.map {
                ($0, Counter(label: "gateway_refusals", dimensions: [("reason", $0.rawValue)], factory: factory))
            })
        limited = Dictionary(
            uniqueKeysWithValues: RouteClass.allCases.map {
                ($0, Counter(label: "gateway_rate_limited", dimensions: [("class", $0.rawValue)], factory: factory))
            })
        openStreamsGauge = Recorder(
            label: "gateway_open_streams", dimensions: [], aggregate: false, factory: factory)
        openStreamsGauge.record(0)
        sentEvents = Counter(label: "gateway_sent_events", dimensions: [], factory: factory)
        endedStreams = Dictionary(
            uniqueKeysWithValues: StreamEnding.allCases.map {
                ($0, Counter(label: "gateway_ended_streams", dimensions: [("reason", $0.rawValue)], factory: factory))
            })
    }

    private let factory: any MetricsFactory

    /// Counts an answer; routes are those of the route table, so their number is bounded.
    func answered(route: String, method: HTTPRequest.Method, status: HTTPResponse.Status, duration: Duration) {
        let method = Self.methods.contains(method.rawValue) ? method.rawValue : "other"
        let key = Key(method: method, route: route, statusClass: status.code / 100)
        let found = instruments.withLock { known in
            if let found = known[key] { return found }
            let made = make(key)
            known[key] = made
            return made
        }
        found.count.increment()
        found.duration.record(duration: duration)
    }

    func refused(_ reason: ProblemKind) {
        posted(.rejected)
        refusals[reason]?.increment()
    }

    func posted(_ result: EventResult, count: Int = 1) {
        if count > 0 { events[result]?.increment(by: count) }
    }

    func limited(_ routeClass: RouteClass) {
        limited[routeClass]?.increment()
    }

    func streamOpened() {
        changeOpenStreams(by: 1)
    }

    func sent(_ count: Int) {
        sentEvents.increment(by: count)
    }

    func streamEnded(_ ending: StreamEnding) {
        changeOpenStreams(by: -1)
        endedStreams[ending]?.increment()
    }

    private func changeOpenStreams(by change: Int) {
        openStreams.withLock {
            $0 += change
            openStreamsGauge.record($0)
        }
    }

    private static let methods: Set<String> = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

    private func make(_ key: Key) -> Instruments {
        let labels = [("method", key.method), ("route", key.route), ("status", "\(key.statusClass)xx")]
        return Instruments(
            count: Counter(label: "gateway_http_requests", dimensions: labels, factory: factory),
            duration: Timer(
                label: "gateway_http_request_duration", dimensions: [("route", key.route)], factory: factory))
    }
}
