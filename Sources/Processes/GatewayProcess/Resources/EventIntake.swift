import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree
import Runtime

/// Taking events in: `POST /events` with one event or an array, and `POST /ingest` with any object.
///
/// An answer is given only after the events' transaction has committed. The group commit behind `log` joins concurrent
/// requests into one statement, and refuses work when too much of it waits.
struct EventIntake: Sendable {
    /// Most items of an array.
    static let maximumItems = 10_000

    let log: GroupCommit
    let metrics: GatewayMetrics

    func add(to routes: inout RouteTable) {
        routes.on(.post, "/api/v1/events", scope: .eventsWrite, use: post)
        routes.on(.post, "/api/v1/ingest", scope: .eventsWrite, use: ingest)
        routes.on(.post, "/ingest", scope: .eventsWrite, use: ingest)
    }

    @Sendable func post(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        try request.requireJSON()
        let idempotencyKey = try Self.idempotencyKey(request)
        let bytes = try await request.readBody(.events, context: context)
        let body = try JSONDocument(bytes).root
        let organization = try context.authenticated().organizationID
        guard body.kind == .array else {
            let envelope = try counting { try EventEnvelope(body).orID(idempotencyKey) }
            return try await answer(envelope, organization: organization)
        }
        guard body.count <= Self.maximumItems else {
            throw Problem(
                JSONValidationError(
                    pointer: "", detail: "the array has \(body.count) events; at most \(Self.maximumItems)"))
        }
        var batch = EventBatch(body, idempotencyKey: idempotencyKey)
        let outcomes = try await log.append(batch.accepted, organizationID: organization)
        batch.complete(with: outcomes)
        batch.count(in: metrics)
        return .json { batch.write(to: &$0) }
    }

    @Sendable func ingest(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        try request.requireJSON(suffixes: true)
        let idempotencyKey = try Self.idempotencyKey(request)
        let bytes = try await request.readBody(.single, context: context)
        let body = try JSONDocument(bytes).root
        let envelope = try counting { try EventEnvelope.ingest(body).orID(idempotencyKey) }
        return try await answer(envelope, organization: try context.authenticated().organizationID)
    }

    /// Stores one event, and answers 201, 200 for a repeat, or 422 for a repeat with other content.
    private func answer(_ envelope: EventEnvelope, organization: UniqueID) async throws -> Response {
        let event = NewEvent(envelope, receivedAt: .now())
        guard let outcome = try await log.append([event], organizationID: organization).first else {
            throw Problem(.internalError, "the log gave no answer")
        }
        metrics.posted(outcome.result)
        switch outcome {
        case .stored(let id, let receivedAt):
            return .json(.created, headers: [.location: "/api/v1/events/\(id)"]) {
                Self.write(id, envelope.type, receivedAt, isDuplicate: false, to: &$0)
            }
        case .duplicate(let id, let receivedAt):
            return .json(.ok) { Self.write(id, envelope.type, receivedAt, isDuplicate: true, to: &$0) }
        case .conflict(let id):
            throw Problem.idReused(id)
        }
    }

    private func counting(_ envelope: () throws -> EventEnvelope) throws -> EventEnvelope {
        do {
            return try envelope()
        } catch {
            metrics.posted(.rejected)
            throw error
        }
    }

    /// The members of the answer to one event.
    static func write(
        _ id: UniqueID, _ type: String, _ receivedAt: Timestamp, isDuplicate: Bool, to body: inout JSONWriter
    ) {
        body.member("id", id.description)
        body.member("type", type)
        body.member("received_at", receivedAt.rfc3339)
        body.member("duplicate", isDuplicate)
    }

    private static func idempotencyKey(_ request: Request) throws -> String? {
        guard let key = request.headers[.idempotencyKey] else { return nil }
        guard (1...200).contains(key.utf8.count), key.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else {
            throw Problem.invalidParameter("Idempotency-Key", "must be 1 to 200 printable ASCII characters")
        }
        return key
    }
}

extension EventEnvelope {
    /// The same event under the producer id that a header gave, unless it has one of its own.
    func orID(_ id: String?) -> EventEnvelope {
        guard producerID == nil, let id else { return self }
        return EventEnvelope(
            type: type, source: source, subject: subject, time: time, producerID: id, traceparent: traceparent,
            data: data, metadata: metadata)
    }
}

extension NewEvent {
    /// A checked envelope with the id and the time that the gateway gives it; their milliseconds agree.
    init(_ envelope: EventEnvelope, receivedAt: Timestamp) {
        self.init(id: .generate(at: receivedAt), receivedAt: receivedAt, envelope: envelope)
    }
}

extension AppendOutcome {
    var result: GatewayMetrics.EventResult {
        switch self {
        case .stored: .accepted
        case .duplicate: .duplicate
        case .conflict: .rejected
        }
    }
}

extension Problem {
    static func idReused(_ id: UniqueID) -> Problem {
        Problem(
            .idReused, "event \(id) has this source and id, and other content",
            errors: [JSONProblem(pointer: "/id", detail: "is the id of another event of this source")],
            members: [("event_id", .text(id.description))])
    }
}
