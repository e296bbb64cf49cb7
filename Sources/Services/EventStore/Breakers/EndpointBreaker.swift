import ActionModel
import EventModel
import JSONTree

/// The endpoint of an organization: what a circuit breaker belongs to.
public struct EndpointKey: Sendable, Hashable {
    /// Whose deliveries go there.
    public let organizationID: UniqueID
    /// Scheme, host and port, or the name of what is called; see `ActionConfig.endpoint`.
    public let endpoint: String

    /// Makes a key.
    public init(organizationID: UniqueID, endpoint: String) {
        self.organizationID = organizationID
        self.endpoint = endpoint
    }
}

/// A circuit breaker that is stored.
public struct EndpointBreaker: Sendable, Equatable {
    /// A version 7 UUID.
    public let id: UniqueID
    /// What it belongs to.
    public let key: EndpointKey
    /// Where it stands.
    public let breaker: CircuitBreaker
    /// When its state changed last.
    public let changedAt: Timestamp
    /// When anything of it changed last.
    public let updatedAt: Timestamp

    /// Writes what `GET /circuit-breakers/{id}` shows.
    public func write(to object: inout JSONWriter) {
        object.member("id", id.description)
        Self.write(breaker, of: key.endpoint, to: &object)
        object.member("changed_at", changedAt.rfc3339)
        object.member("updated_at", updatedAt.rfc3339)
    }

    /// Writes a breaker that may not be stored, because nothing ever went wrong.
    public static func write(_ breaker: CircuitBreaker, of endpoint: String, to object: inout JSONWriter) {
        object.member("endpoint", endpoint)
        object.member("state", breaker.state.rawValue)
        object.member("held", breaker.isHeld)
        object.member("open_until", breaker.openUntil?.rfc3339)
        object.member("openings", breaker.openings)
        object.member("failures_in_a_row", breaker.failuresInARow)
        object.member("successes_in_window", breaker.window.reduce(0) { $0 + $1.successes })
        object.member("failures_in_window", breaker.window.reduce(0) { $0 + $1.failures })
        object.member("reason", breaker.reason)
    }
}

/// What a claim reads of a breaker: as much as a worker needs to know whether to send, by durations, so that its clock
/// does not matter.
public struct BreakerReading: Sendable, Equatable {
    /// Whether deliveries are sent.
    public let state: CircuitBreaker.State
    /// While open or half-open: how long until it is worth asking, in microseconds; nil while a person holds it open.
    public let waitMicroseconds: Int64?
    /// How much longer successes count too, in microseconds; 0 when they don't.
    public let watchMicroseconds: Int64

    /// Makes a reading.
    public init(state: CircuitBreaker.State, waitMicroseconds: Int64?, watchMicroseconds: Int64) {
        self.state = state
        self.waitMicroseconds = waitMicroseconds
        self.watchMicroseconds = watchMicroseconds
    }

    /// What stands for no row.
    public static let closed = BreakerReading(state: .closed, waitMicroseconds: 0, watchMicroseconds: 0)

    init(_ breaker: CircuitBreaker, at now: Timestamp) {
        let wait = breaker.state == .halfOpen ? breaker.probe?.until : breaker.openUntil
        self.init(
            state: breaker.state,
            waitMicroseconds: breaker.isHeld ? nil : max(0, (wait ?? now).microseconds - now.microseconds),
            watchMicroseconds: max(0, (breaker.watchedUntil ?? now).microseconds - now.microseconds))
    }
}
