import ActionModel
import EventModel
import EventStore
import Logging
import Metrics
import Runtime
import TriggerEngine

/// Makes the events that the firings of a batch emit.
struct EventEmission {
    /// Most events that one batch makes: what follows from few must not fill the memory, or the log in one commit.
    private static let maximumEvents = 10_000

    let events = DerivedEvents()
    let logger: Logger

    /// Renders the events of firings and notes in each firing what became of them.
    ///
    /// - Parameter parsed: events that are at hand; others are read.
    /// - Returns: the events, each with its organization; append them at the end of the transaction.
    func render(
        _ firings: inout [NewFiring], parsed: [UniqueID: ParsedEvent], on connection: StoreConnection
    ) async throws -> [(UniqueID, NewEvent)] {
        let emitting = firings.indices.filter { index in
            let trigger = firings[index].trigger
            return trigger.role == .live && trigger.definition.actions.contains { $0.kind == .emit }
        }
        guard !emitting.isEmpty else { return [] }
        let absent = Set(emitting.map { firings[$0].event }.filter { parsed[$0.id] == nil })
        let known = try await events.events(at: absent, on: connection).merging(parsed) { $1 }
        var made: [(UniqueID, NewEvent)] = []
        for index in emitting {
            let (outcomes, events) = render(
                firings[index], event: known[firings[index].event.id], room: Self.maximumEvents - made.count)
            firings[index].emits = outcomes
            made += events.map { (firings[index].trigger.organizationID, $0) }
        }
        return made
    }

    private func render(
        _ firing: NewFiring, event: ParsedEvent?, room: Int
    ) -> (outcomes: [EmitOutcome], events: [NewEvent]) {
        var outcomes: [EmitOutcome] = []
        var events: [NewEvent] = []
        for (index, action) in firing.trigger.definition.actions.enumerated() {
            guard case .emit(let emit) = action.config else { continue }
            let result: Result<UniqueID, EmitError>
            do throws(EmitError) {
                guard let event else { throw EmitError.noEvent }
                guard events.count < room else { throw EmitError.tooMany }
                let made = try render(emit, firing, event)
                events.append(made)
                result = .success(made.id)
            } catch {
                report(error, firing, actionIndex: index)
                result = .failure(error)
            }
            outcomes.append(EmitOutcome(actionIndex: index, result: result))
        }
        return (outcomes, events)
    }

    private func render(
        _ action: EmitAction, _ firing: NewFiring, _ event: ParsedEvent
    ) throws(EmitError) -> NewEvent {
        let trigger = firing.trigger
        let now = Timestamp.now()
        let envelope = try action.envelope(
            for: Firing(
                id: firing.id, triggerID: trigger.id, triggerName: trigger.definition.name,
                triggerVersion: trigger.version, firedAt: firing.firedAt, event: event),
            at: firing.at)
        return NewEvent(id: .generate(at: now), receivedAt: now, envelope: envelope)
    }

    private func report(_ error: EmitError, _ firing: NewFiring, actionIndex: Int) {
        if case .depth = error { ProcessorMetrics.cut.increment() } else { ProcessorMetrics.unmade.increment() }
        logger.warning(
            "emit.refused",
            metadata: [
                "trigger.id": "\(firing.trigger.id)", "firing.id": "\(firing.id)", "event.id": "\(firing.event.id)",
                "action.index": "\(actionIndex)", "error": "\(error)",
            ])
    }
}
