import ActionModel
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree
import Logging
import Runtime

/// Taking events in: `POST /events` in every format, and `POST /ingest` with any object.
///
/// An answer is given only after the events' transaction has committed. The group commit behind `log` joins concurrent
/// requests into one statement, and refuses work when too much of it waits.
struct EventIntake: Sendable {
    let log: GroupCommit
    let events: EventReader
    let metrics: GatewayMetrics

    func add(to routes: inout RouteTable) {
        routes.on(.post, "/api/v1/events", scope: .eventsWrite, use: post)
        routes.on(.post, "/api/v1/ingest", scope: .eventsWrite, use: ingest)
        routes.on(.post, "/ingest", scope: .eventsWrite, use: ingest)
    }

    @Sendable func post(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await counting(context) {
            _ = try QueryParameters(request, knows: [])
            let given = try EventDefaults(request)
            let organization = try context.authenticated().organizationID
            switch try EventFormat(request) {
            case .json:
                let body = try await request.readBody(.events, context: context)
                return try await store(Self.posted(body, given, EventEnvelope.init(_:pointer:)), given, organization)
            case .ndjson:
                return try await storeLines(of: request, given, organization, context)
            case .cloudEvent:
                let body = try await request.readBody(.single, context: context)
                return try await store(CloudEvent.structured(JSONDocument(body).root), given, organization)
            case .cloudEvents:
                let body = try await request.readBody(.events, context: context)
                guard case .many(let batch) = try Self.posted(body, given, CloudEvent.structured) else {
                    throw JSONValidationError(pointer: "", detail: "a batch must be an array of CloudEvents")
                }
                return try await store(batch, organization)
            case .binaryCloudEvent:
                let body = try await request.readBody(.single, context: context)
                return try await store(CloudEvent.binary(request, body: body), given, organization)
            }
        }
    }

    @Sendable func ingest(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await counting(context) {
            _ = try QueryParameters(request, knows: [])
            try request.requireJSON(suffixes: true)
            let given = try EventDefaults(request)
            let body = try JSONDocument(try await request.readBody(.single, context: context)).root
            return try await store(EventEnvelope.ingest(body), given, try context.authenticated().organizationID)
        }
    }

    /// Stores one event, and answers 201, 200 for a repeat, or 422 for a repeat with other content.
    private func store(
        _ envelope: EventEnvelope, _ given: EventDefaults, _ organization: UniqueID
    ) async throws -> Response {
        var envelope = envelope.orID(given.id).orTrace(given.traceparent)
        if let cause = envelope.cause {
            envelope = try envelope.following(try await events.event(cause, organizationID: organization), pointer: "")
        }
        let event = NewEvent(envelope, receivedAt: .now())
        guard let outcome = try await log.append([event], organizationID: organization).first else {
            throw Problem(.internalError, "the log gave no answer")
        }
        switch outcome {
        case .stored(let id, let receivedAt):
            metrics.posted(.accepted)
            return .json(.created, headers: [.location: "/api/v1/events/\(id)"]) {
                Self.write(id, envelope.type, receivedAt, isDuplicate: false, to: &$0)
            }
        case .duplicate(let id, let receivedAt):
            metrics.posted(.duplicate)
            return .json(.ok) { Self.write(id, envelope.type, receivedAt, isDuplicate: true, to: &$0) }
        case .conflict(let id):
            throw Problem.idReused(id)
        }
    }

    private func store(
        _ posted: Posted, _ given: EventDefaults, _ organization: UniqueID
    ) async throws -> Response {
        switch posted {
        case .one(let envelope): try await store(envelope, given, organization)
        case .many(let batch): try await store(batch, organization)
        }
    }

    /// Stores the items of an array, all in one commit.
    private func store(_ batch: consuming EventBatch, _ organization: UniqueID) async throws -> Response {
        var batch = batch
        let slice = try await batch.takeSlice(events, organization)
        batch.complete(slice, with: try await log.append(slice.events, organizationID: organization))
        batch.count(in: metrics)
        return .json { batch.write(to: &$0) }
    }

    private enum Posted {
        case one(EventEnvelope)
        case many(EventBatch)
    }

    /// The event or the events of a body. Of an array one element is parsed at a time, because the tree of all of them
    /// could be many times their text; but one that is no JSON refuses them all.
    private static func posted(
        _ body: [UInt8], _ given: EventDefaults,
        _ read: (JSONValue, String) throws(JSONValidationError) -> EventEnvelope
    ) throws -> Posted {
        guard var array = ArraySplitter(body) else { return .one(try read(JSONDocument(body).root, "")) }
        var batch = EventBatch(given)
        while let element = try array.next() {
            let isTooLong = element.count > BodyLimit.events.single
            let value = isTooLong ? nil : try array.parse(element)
            try batch.add { pointer in
                guard let value else { throw tooLong(pointer) }
                return try read(value, pointer)
            }
        }
        return .many(batch)
    }

    /// Counts what was refused before it came to the log, by the reason.
    private func counting(
        _ context: GatewayContext, _ answer: () async throws -> Response
    ) async throws -> Response {
        do {
            return try await answer()
        } catch {
            let problem = Problem(explaining: error, logger: context.logger)
            metrics.refused(problem.kind)
            throw problem
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

    static func tooLong(_ pointer: String) -> JSONValidationError {
        JSONValidationError(pointer: pointer, detail: "is over \(BodyLimit.events.single) bytes")
    }
}

extension EventEnvelope {
    /// The same event under the producer id that a header gave, unless it has one of its own.
    func orID(_ id: String?) -> EventEnvelope {
        guard producerID == nil, let id else { return self }
        return EventEnvelope(
            type: type, source: source, subject: subject, time: time, producerID: id, traceparent: traceparent,
            cause: cause, data: data, metadata: metadata)
    }

    /// The same event with its cause in its metadata, and the cause's subject when it has none of its own.
    ///
    /// - Parameters:
    ///   - event: the cause; nil when the organization has no such event.
    ///   - pointer: where the envelope is in the request.
    func following(_ event: Event?, pointer: String) throws(JSONValidationError) -> EventEnvelope {
        let place = JSONPointer.member("cause", of: pointer)
        guard let event else { throw JSONValidationError(pointer: place, detail: "there is no event of this id") }
        guard let posted = PostedCause(event) else {
            throw JSONValidationError(
                pointer: place,
                detail: "is the last of a chain of events that follow from each other, which is too long")
        }
        return EventEnvelope(
            type: type, source: source, subject: subject ?? event.subject, time: time, producerID: producerID,
            traceparent: traceparent ?? event.traceparent, data: data, metadata: posted.json)
    }
}

extension NewEvent {
    /// A checked envelope with the id and the time that the gateway gives it; their milliseconds agree.
    init(_ envelope: EventEnvelope, receivedAt: Timestamp) {
        self.init(id: .generate(at: receivedAt), receivedAt: receivedAt, envelope: envelope)
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
