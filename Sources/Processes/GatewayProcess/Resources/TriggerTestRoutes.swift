import ActionModel
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree
import Runtime
import TriggerEngine

/// A trigger tried with events that come with the request: nothing is stored and nothing sent.
struct TriggerTestRoutes: Sendable {
    /// For how many firings the actions are rendered.
    private static let maximumRendered = 10

    let triggers: TriggerStore

    func add(to routes: inout RouteTable) {
        routes.on(.post, "/api/v1/triggers/test", scope: .triggersRead, use: test)
    }

    /// Takes `{"trigger" | "condition" | "trigger_id", "event" | "events", "until"?}`.
    @Sendable func test(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        try request.requireJSON()
        let document = try JSONDocument(try await request.readBody(.single, context: context))
        let organization = try context.authenticated().organizationID
        var reader = ObjectReader(document.root, pointer: "")
        let trigger = try await TestedTrigger(&reader).load(&reader, triggers, organization)
        let tested = TestedEvents(&reader, organizationID: organization)
        let until = reader.time("until")
        try reader.finish()
        guard let trigger else { throw Problem(.internalError, "the request has no trigger") }
        let rehearsal = TriggerRehearsal(trigger, events: tested.events, until: until)
        return .json { Self.write(rehearsal.outcomes, of: trigger, to: &$0) }
    }

    private static func write(
        _ outcomes: [TriggerRehearsal.Outcome], of trigger: Trigger, to body: inout JSONWriter
    ) {
        body.member("fired", outcomes.count { $0.isFired })
        body.member("suppressed", outcomes.count { $0.match?.isSuppressed ?? false })
        body.key("results")
        body.array { list in
            var rendered = 0
            for (index, outcome) in outcomes.enumerated() {
                let isRendered = outcome.isFired && rendered < maximumRendered
                rendered += isRendered ? 1 : 0
                list.object { write(outcome, index, isRendered ? trigger : nil, to: &$0) }
            }
        }
    }

    private static func write(
        _ outcome: TriggerRehearsal.Outcome, _ index: Int, _ trigger: Trigger?, to body: inout JSONWriter
    ) {
        body.member("index", index)
        body.member("type", outcome.event.event.type)
        body.member("received_at", outcome.event.event.receivedAt.rfc3339)
        body.member("reached", outcome.explanation != nil)
        body.member("fired", outcome.isFired)
        body.member("suppressed", outcome.match?.isSuppressed ?? false)
        if let match = outcome.match { body.member("at", match.at.rfc3339) }
        let explanation = outcome.match.flatMap { $0.explanation.isEmpty ? nil : $0.explanation } ?? outcome.explanation
        if let explanation { body.memberRaw("explanation", explanation) }
        guard let trigger, let match = outcome.match else { return }
        let firing = Firing(
            id: .generate(at: match.at), triggerID: trigger.id, triggerName: trigger.definition.name,
            triggerVersion: trigger.version, firedAt: match.at, event: outcome.event)
        body.key("actions")
        body.array { list in
            for action in trigger.definition.actions { action.writePreview(for: firing, to: &list) }
        }
    }
}

/// What is tested, as a request names it.
struct TestedTrigger {
    private let id: JSONValue?
    private let draft: JSONValue?
    private let condition: JSONValue?

    /// Reads `trigger`, `condition` or `trigger_id`.
    init(_ reader: inout ObjectReader) {
        id = reader.member("trigger_id")
        draft = reader.member("trigger")
        condition = reader.member("condition")
        if [id, draft, condition].count(where: { $0 != nil }) != 1 {
            reader.refuse("give one of trigger, condition and trigger_id")
        }
    }

    /// The trigger; nil when there is a problem, which the reader has been told.
    func load(
        _ reader: inout ObjectReader, _ triggers: TriggerStore, _ organization: UniqueID
    ) async throws -> Trigger? {
        if let id {
            guard let id = id.string.flatMap({ UniqueID($0) }) else {
                reader.refuse("trigger_id", "must be a UUID")
                return nil
            }
            guard let stored = try await triggers.trigger(id, organizationID: organization) else {
                throw Problem.notFound("trigger \(id)")
            }
            return stored
        }
        let definition: TriggerDefinition?
        if let condition {
            definition = reader.attempt { () throws(JSONValidationError) -> TriggerDefinition in
                try TriggerDefinition(condition: condition, pointer: "/condition")
            }
        } else {
            definition = draft.flatMap { draft in
                reader.attempt { () throws(JSONValidationError) -> TriggerDefinition in
                    try TriggerDefinition.draft(draft, at: "/trigger")
                }
            }
        }
        return definition.map { definition in
            let now = Timestamp.now()
            return Trigger(
                id: .generate(at: now), organizationID: organization, version: 1, definition: definition,
                createdAt: now, updatedAt: now)
        }
    }
}

extension TriggerDefinition {
    /// Reads a definition that is a member of something else: its problems are placed there.
    static func draft(_ value: JSONValue, at pointer: String) throws(JSONValidationError) -> TriggerDefinition {
        do throws(JSONValidationError) {
            return try TriggerDefinition(value)
        } catch {
            throw JSONValidationError(
                error.problems.map { JSONProblem(pointer: pointer + $0.pointer, detail: $0.detail) })
        }
    }

    /// A trigger that is nothing but its condition.
    fileprivate init(condition: JSONValue, pointer: String) throws(JSONValidationError) {
        var writer = JSONWriter()
        writer.object {
            $0.member("name", "draft")
            $0.memberRaw("condition", condition.source)
        }
        guard let document = try? JSONDocument(writer.bytes) else {
            throw JSONValidationError(pointer: pointer, detail: "can't be read")
        }
        try self.init(document.root)
    }
}

extension ObjectReader {
    /// A moment.
    mutating func time(_ name: String, required: Bool = false) -> Timestamp? {
        guard let text = string(name, required: required) else { return nil }
        guard let moment = Timestamp(rfc3339: text) else {
            refuse(name, "must be an RFC 3339 time with a zone, such as 2026-03-01T09:30:00Z")
            return nil
        }
        return moment
    }
}
