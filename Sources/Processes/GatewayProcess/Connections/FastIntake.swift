import EventModel
import EventStore
import HTTPTypes
import JSONTree
import Logging
import NIOCore
import NIOHTTP1
import Runtime
import Synchronization

/// Single events over HTTP without the router: what most requests are, at a third of the cost.
///
/// Only a plain `POST /api/v1/events` of one JSON event by a key that is known already is taken here. Everything else,
/// and everything that turns out not to be storable, goes to the router as if it had come there first, so that there is
/// one place that refuses. The events of all connections of an event loop that came in one turn of it go to the group
/// commit together, and so do their answers.
final class FastIntake: Sendable {
    private let log: GroupCommit
    private let keys: KeyStore
    private let limits: RequestLimits
    private let metrics: GatewayMetrics
    private let logger: Logger
    private let lanes = Mutex<[ObjectIdentifier: FastLane]>([:])

    init(log: GroupCommit, keys: KeyStore, limits: RequestLimits, metrics: GatewayMetrics, logger: Logger) {
        self.log = log
        self.keys = keys
        self.limits = limits
        self.metrics = metrics
        self.logger = logger
    }

    /// The lane of an event loop's connections.
    func lane(of eventLoop: any EventLoop) -> FastLane {
        lanes.withLock { lanes in
            if let lane = lanes[ObjectIdentifier(eventLoop)] { return lane }
            let lane = FastLane(
                eventLoop, log: log, keys: keys, limits: limits, metrics: metrics, logger: logger)
            lanes[ObjectIdentifier(eventLoop)] = lane
            return lane
        }
    }
}

/// A request on its way through the fast intake.
struct FastRequest {
    let head: HTTPRequestHead
    let organizationID: UniqueID
    let fields: FastFields
    let start: NIODeadline
    var body = ByteBuffer()
}

/// That a connection's requests were let in, and with which header.
struct Admission {
    let mark: CredentialMark
    let caller: Principal
    let until: NIODeadline
}

/// The fast intake of one event loop; all its methods but `receive` are called there.
final class FastLane: AppendReceiver {
    private struct Pending {
        let connection: ConnectionHandler
        let type: String
        let requestID: String
        let start: NIODeadline
    }

    private struct State {
        var arrived: [ReceivedEvent] = []
        var pending: [Int: Pending] = [:]
        var lastToken = 0
        var date = HTTPDate()
    }

    /// Longest body that is taken here, in bytes. A connection holds no more than this before it has a principal.
    private static let maximumBody = 64 * 1024
    /// How long a connection's key is not looked up again.
    private static let admissionTime = TimeAmount.seconds(2)

    private let eventLoop: any EventLoop
    private let log: GroupCommit
    private let keys: KeyStore
    private let limits: RequestLimits
    private let metrics: GatewayMetrics
    private let logger: Logger
    private let state: NIOLoopBoundBox<State>

    init(
        _ eventLoop: any EventLoop, log: GroupCommit, keys: KeyStore, limits: RequestLimits, metrics: GatewayMetrics,
        logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.log = log
        self.keys = keys
        self.limits = limits
        self.metrics = metrics
        self.logger = logger
        state = .makeBoxSendingValue(State(), eventLoop: eventLoop)
    }

    /// The request, if it is one for the fast intake.
    func admit(_ head: HTTPRequestHead, _ admission: inout Admission?, at now: NIODeadline) -> FastRequest? {
        guard head.method == .POST, head.version == .http1_1, head.uri == "/api/v1/events",
            let fields = FastFields(head.headers), fields.length <= Self.maximumBody
        else { return nil }
        let mark = CredentialMark(fields.authorization)
        if let known = admission, known.mark == mark, known.until > now {
            guard limits.admits(known.caller) else { return nil }
            return FastRequest(head: head, organizationID: known.caller.organizationID, fields: fields, start: now)
        }
        guard let key = Authentication.bearer(fields.authorization), let caller = keys.remembered(key),
            caller.scopes.contains(.eventsWrite)
        else { return nil }
        admission = Admission(mark: mark, caller: caller, until: now + Self.admissionTime)
        guard limits.admits(caller) else { return nil }
        return FastRequest(head: head, organizationID: caller.organizationID, fields: fields, start: now)
    }

    /// Takes the event of a whole request, or says that it has none that could be stored.
    func store(_ request: FastRequest, for connection: ConnectionHandler) -> Bool {
        guard let root = try? JSONDocument(Array(request.body.readableBytesView)).root, root.kind == .object,
            let posted = try? EventEnvelope(root), posted.cause == nil
        else { return false }
        let envelope = posted.orTrace(request.fields.traceparent)
        state.withValue { state in
            state.lastToken += 1
            let event = NewEvent(envelope, receivedAt: .now())
            // The id of the event is as good an id for the request that brought it as one of its own.
            state.pending[state.lastToken] = Pending(
                connection: connection, type: envelope.type,
                requestID: request.fields.requestID ?? event.id.description, start: request.start)
            if state.arrived.isEmpty { eventLoop.execute { self.submit() } }
            state.arrived.append(
                ReceivedEvent(event, organizationID: request.organizationID, token: state.lastToken))
        }
        return true
    }

    private func submit() {
        let events = state.withValue { state in
            defer { state.arrived.removeAll(keepingCapacity: true) }
            return state.arrived
        }
        log.append(events, receiver: self)
    }

    func receive(_ answers: [AppendAnswer]) {
        eventLoop.execute {
            for answer in answers {
                let (pending, date) = self.state.withValue {
                    ($0.pending.removeValue(forKey: answer.token), $0.date.text())
                }
                if let pending { self.answer(pending, answer.result, date: date) }
            }
        }
    }

    private func answer(_ pending: Pending, _ result: Result<AppendOutcome, EventStoreError>, date: String) {
        let requestID = pending.requestID
        var headers = HTTPHeaders()
        var writer = JSONWriter()
        let status: HTTPResponseStatus
        switch result {
        case .success(.stored(let id, let receivedAt)):
            status = .created
            headers.add(name: "location", value: "/api/v1/events/\(id)")
            writer.object { EventIntake.write(id, pending.type, receivedAt, isDuplicate: false, to: &$0) }
            metrics.posted(.accepted)
        case .success(.duplicate(let id, let receivedAt)):
            status = .ok
            writer.object { EventIntake.write(id, pending.type, receivedAt, isDuplicate: true, to: &$0) }
            metrics.posted(.duplicate)
        case .success(.conflict(let id)):
            status = refuse(.idReused(id), requestID, &headers, &writer)
        case .failure(let error):
            status = refuse(Problem(error, logger: logger), requestID, &headers, &writer)
        }
        if headers["content-type"].isEmpty { headers.add(name: "content-type", value: "application/json") }
        headers.add(name: "content-length", value: String(writer.bytes.count))
        headers.add(name: "x-request-id", value: requestID)
        headers.add(name: "date", value: date)
        pending.connection.answer(
            HTTPResponseHead(version: .http1_1, status: status, headers: headers), ByteBuffer(bytes: writer.bytes))
        metrics.answered(
            route: "/api/v1/events", method: .post, status: .init(code: Int(status.code)),
            duration: .nanoseconds((NIODeadline.now() - pending.start).nanoseconds))
    }

    private func refuse(
        _ problem: Problem, _ requestID: String, _ headers: inout HTTPHeaders, _ writer: inout JSONWriter
    ) -> HTTPResponseStatus {
        metrics.refused(problem.kind)
        writer.object { problem.write(to: &$0, requestID: requestID) }
        for field in problem.headers { headers.add(name: field.name.rawName, value: field.value) }
        headers.add(name: "content-type", value: "application/problem+json")
        return HTTPResponseStatus(statusCode: problem.kind.status.code)
    }
}
