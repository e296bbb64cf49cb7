import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree
import Runtime
import TriggerEngine

/// Why a trigger fired for an event, or why not.
///
/// What has fired was written down with its reasons. Of what has not, nothing is stored, so that it costs nothing: the
/// trigger is run again, in the version of that time, over the events before.
struct ExplanationRoutes: Sendable {
    /// Most events before the one in question that are run again.
    static let maximumHistory = 5_000
    /// How far back they go when the trigger doesn't say how far it looks, in days.
    private static let farthest: Int64 = 7

    let events: EventReader
    let triggers: TriggerStore
    let firings: FiringStore

    func add(to routes: inout RouteTable) {
        routes.on(.get, "/api/v1/events/:id/explain", scope: .eventsRead, use: explain)
    }

    @Sendable func explain(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryParameters(request, knows: ["trigger"])
        try context.require(.triggersRead)
        let id = try context.pathID("event")
        let organization = try context.authenticated().organizationID
        guard let triggerID = try query.uniqueID("trigger") else {
            throw Problem.invalidParameter("trigger", "is required: the id of a trigger")
        }
        guard let event = try await events.event(id, organizationID: organization) else {
            throw Problem.notFound("event \(id)")
        }
        guard let current = try await triggers.trigger(triggerID, organizationID: organization) else {
            throw Problem.notFound("trigger \(triggerID)")
        }
        let explanation = try await explain(event, current)
        return .json { explanation.write(to: &$0, event: event, triggerID: triggerID) }
    }

    private func explain(_ event: Event, _ current: Trigger) async throws -> EventExplanation {
        let organization = event.organizationID
        if let firing = try await firings.firing(of: current.id, for: event, organizationID: organization) {
            return EventExplanation(.fired, version: firing.triggerVersion, firing: firing)
        }
        guard
            let version = try await triggers.version(
                of: current.id, at: event.receivedAt, organizationID: organization)
        else { return EventExplanation(.tooEarly) }
        let trigger = version.trigger
        guard trigger.definition.enabled else { return EventExplanation(.disabled, version: trigger.version) }
        guard trigger.definition.takes(event.type) else {
            return EventExplanation(.otherType, version: trigger.version)
        }
        guard try await events.isEvaluated(event) else { return EventExplanation(.pending, version: trigger.version) }
        return try await replay(trigger, upTo: event)
    }

    private func replay(_ trigger: Trigger, upTo event: Event) async throws -> EventExplanation {
        let lookBack = trigger.definition.lookBack
        let reach = lookBack ?? Self.farthest * 86_400 * 1_000_000
        let since = Timestamp(microseconds: event.receivedAt.microseconds - reach)
        let history =
            lookBack == 0
            ? EventHistory(events: [event], isCut: false)
            : try await events.history(
                of: event, since: since, types: trigger.definition.literalTypes, limit: Self.maximumHistory)
        var run = TriggerDryRun(trigger)
        for past in history.events.dropLast() where trigger.definition.takes(past.type) {
            if let parsed = try? ParsedEvent(past) { _ = run.take(parsed) }
        }
        let parsed = try ParsedEvent(event)
        let step = run.explain(parsed)
        let match = step.matches.first { $0.event.id == event.id }
        var explanation = EventExplanation(
            Self.outcome(of: match, trigger.definition, parsed), version: trigger.version)
        explanation.tree = match.flatMap { $0.explanation.isEmpty ? nil : $0.explanation } ?? step.explanation
        explanation.replayed = history.events.count - 1
        // A cooldown may have begun with a firing that hangs on what was before all that was run again.
        let hangsOnCooldown = match != nil && trigger.definition.cooldown != nil
        explanation.isApproximate = history.isCut || lookBack == nil || hangsOnCooldown
        return explanation
    }

    private static func outcome(
        of match: TriggerMatch?, _ definition: TriggerDefinition, _ event: ParsedEvent
    ) -> EventExplanation.Outcome {
        if let match { return match.isSuppressed ? .suppressed : .matched }
        // An absence comes true after its event, if at all.
        guard case .absence(let absence)? = definition.condition, absence.after.evaluate(event) else {
            return .notMatched
        }
        return event.event.receivedAt.microseconds + absence.within > Timestamp.now().microseconds
            ? .waiting : .answered
    }
}

/// The answer, and how it was found.
struct EventExplanation {
    /// What the trigger made of the event; the raw value is what the API says.
    enum Outcome: String, CaseIterable {
        case fired
        case suppressed
        case notMatched = "not_matched"
        case matched
        case waiting
        case answered
        case otherType = "other_type"
        case disabled
        case tooEarly = "too_early"
        case pending

        var reason: String {
            switch self {
            case .fired: "the condition was true, and the trigger fired"
            case .suppressed: "the condition was true, and the trigger's cooldown kept it from firing"
            case .notMatched: "the condition was false"
            case .matched:
                "the condition is true when the events before are run again, and no firing is stored: the states were "
                    + "others then, or another version was still evaluated"
            case .waiting: "it fires when the time has passed, unless what is expected comes before"
            case .answered: "what was expected came in time, or an earlier event was waited for already"
            case .otherType: "the trigger does not take events of this type"
            case .disabled: "the trigger was disabled"
            case .tooEarly: "the trigger was made after the event was received"
            case .pending: "the event has not been evaluated yet"
            }
        }
    }

    let outcome: Outcome
    let version: Int32?
    let firing: FiringRecord?
    /// The truth value of each node of the condition.
    var tree: [UInt8]?
    /// How many events before it were run again; nil when none had to be.
    var replayed: Int?
    /// Whether the states of the replay may differ from those that there were.
    var isApproximate = false

    init(_ outcome: Outcome, version: Int32? = nil, firing: FiringRecord? = nil) {
        self.outcome = outcome
        self.version = version
        self.firing = firing
        tree = firing?.explanation
    }

    func write(to body: inout JSONWriter, event: Event, triggerID: UniqueID) {
        body.member("event_id", event.id.description)
        body.member("trigger_id", triggerID.description)
        if let version { body.member("trigger_version", Int(version)) }
        body.member("outcome", outcome.rawValue)
        body.member("reason", outcome.reason)
        body.member("firing_id", firing?.id.description)
        if let tree { body.memberRaw("explanation", tree) }
        guard let replayed else { return }
        body.key("replay")
        body.object {
            $0.member("events", replayed)
            $0.member("approximate", isApproximate)
        }
    }
}
