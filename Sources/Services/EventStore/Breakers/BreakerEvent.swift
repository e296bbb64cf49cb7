import ActionModel
import EventModel
import JSONTree
import Runtime

/// What happens to circuit breakers, as events of Collider's own: a trigger may be about them too.
enum BreakerEvent {
    /// The event `collider.breaker.opened`, `.half_open` or `.closed`, whose data are what the API shows of the breaker
    /// and whose subject is the endpoint.
    static func event(of breaker: EndpointBreaker) -> NewEvent {
        let now = Timestamp.now()
        var writer = JSONWriter()
        writer.object { breaker.write(to: &$0) }
        return NewEvent(
            id: .generate(at: now), receivedAt: now,
            envelope: EventEnvelope(
                type: "collider.breaker.\(name(of: breaker.breaker.state))", source: "collider",
                subject: breaker.key.endpoint, data: writer.bytes))
    }

    private static func name(of state: CircuitBreaker.State) -> String {
        switch state {
        case .closed: "closed"
        case .open: "opened"
        case .halfOpen: "half_open"
        }
    }
}
