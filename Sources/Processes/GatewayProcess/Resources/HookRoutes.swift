import ActionModel
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree
import Logging
import Runtime

/// Taking the deliveries of sources: `POST /hooks/{key}`, without an API key.
///
/// A delivery is read whole, verified over the bytes as they came, and only then parsed. The answer is always 200 when
/// the delivery is stored, now or before, because some senders take every other status for a failure.
struct HookRoutes: Sendable {
    let sources: SourceStore
    let log: GroupCommit
    let metrics: GatewayMetrics
    let hooks: HookMetrics

    func add(to routes: inout RouteTable) {
        routes.on(.post, "/hooks/:key", use: take)
    }

    static func path(of key: HookKey) -> String { "/hooks/\(key)" }

    @Sendable func take(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let source = try await source(of: context)
        var context = context
        context.logger[metadataKey: "organization.id"] = "\(source.organizationID)"
        context.logger[metadataKey: "source.id"] = "\(source.id)"
        let headers: (String) -> [String] = { name in
            HTTPField.Name(name).map { request.headers[values: $0] } ?? []
        }
        let body = try await read(request, context)
        try verify(body, headers, source, context)

        let data: JSONDocument
        do {
            data = try HookPayload.data(body, contentType: request.headers[.contentType])
        } catch {
            hooks.answered(.rejected)
            throw error
        }
        let verification = source.definition.verification
        if verification.scheme == .slack, let challenge = Self.challenge(in: data.root) {
            hooks.answered(.challenge)
            return .json { $0.member("challenge", challenge) }
        }
        let envelope = source.definition.envelope(data: data.root, headers: headers).orTrace(request.traceparent)
        let answer = try await store(envelope, of: source, context)
        // Slack shows the person who gave a command whatever is answered to it.
        let isShown = verification.scheme == .slack && HookPayload.isForm(request.headers[.contentType])
        return isShown ? Response(status: .ok) : answer
    }

    /// The source that the path names.
    ///
    /// - Throws: what a path that is not there throws, so that nobody learns which keys are in use or were.
    private func source(of context: GatewayContext) async throws -> Source {
        guard let key = context.parameters.get("key").flatMap({ HookKey($0) }),
            let source = try await sources.source(key)
        else {
            hooks.refused(.unknown)
            throw HTTPError(.notFound)
        }
        guard source.definition.enabled else {
            hooks.refused(.disabled)
            throw HTTPError(.notFound)
        }
        return source
    }

    private func read(_ request: Request, _ context: GatewayContext) async throws -> [UInt8] {
        if let coding = request.headers[.contentEncoding], coding.lowercased() != "identity" {
            hooks.answered(.rejected)
            throw Problem(
                .unsupportedMediaType, "the body has a content coding; a delivery is verified as it was signed",
                headers: [.acceptEncoding: "identity"])
        }
        do {
            return try await request.readBody(.single, context: context)
        } catch let problem as Problem {
            hooks.answered(.rejected)
            throw problem
        }
    }

    private func verify(
        _ body: [UInt8], _ headers: (String) -> [String], _ source: Source, _ context: GatewayContext
    ) throws {
        let verification = source.definition.verification
        do throws(HookRefusal) {
            try verification.check(body: body, headers: headers, now: .now())
        } catch {
            hooks.refused(HookMetrics.Refusal(error))
            context.logger.warning("hook.refused", metadata: ["hook.reason": "\(error.rawValue)"])
            // One answer for all reasons: which part was right would help only a forger.
            let challenge = verification.scheme == .basic ? #"Basic realm="collider", charset="UTF-8""# : "Webhook"
            throw Problem(
                .unauthenticated, "the delivery is not one that this source accepts",
                headers: [.wwwAuthenticate: challenge])
        }
    }

    private func store(
        _ envelope: EventEnvelope, of source: Source, _ context: GatewayContext
    ) async throws -> Response {
        let event = NewEvent(envelope, receivedAt: .now())
        guard let outcome = try await log.append([event], organizationID: source.organizationID).first else {
            throw Problem(.internalError, "the log gave no answer")
        }
        switch outcome {
        case .stored(let id, _):
            metrics.posted(.accepted)
            hooks.answered(.accepted)
            return Self.answer(id, isDuplicate: false)
        case .duplicate(let id, _):
            metrics.posted(.duplicate)
            hooks.answered(.duplicate)
            return Self.answer(id, isDuplicate: true)
        case .conflict(let id):
            metrics.refused(.idReused)
            hooks.answered(.conflict)
            context.logger.warning("hook.conflict", metadata: ["event.id": "\(id)"])
            // The scheme says that it is the same delivery; senders do change details between tries, and an error
            // would make them try for days. An id that was chosen here may be the wrong one, and that has to be seen.
            guard source.definition.verification.hasDeliveryID else { throw Problem.idReused(id) }
            return Self.answer(id, isDuplicate: true)
        }
    }

    private static func answer(_ id: UniqueID, isDuplicate: Bool) -> Response {
        .json {
            $0.member("id", id.description)
            $0.member("duplicate", isDuplicate)
        }
    }

    /// What Slack wants to hear back before it sends anything else.
    private static func challenge(in payload: JSONValue) -> String? {
        payload["type"]?.string == "url_verification" ? payload["challenge"]?.string : nil
    }
}
