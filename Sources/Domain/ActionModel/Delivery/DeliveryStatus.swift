/// Where a delivery stands (CONTRACT §5).
public enum DeliveryStatus: String, Sendable, CaseIterable {
    /// Waits for a worker.
    case ready
    /// A worker has it, for as long as its lease runs.
    case running
    /// Waits for its next attempt.
    case scheduled
    /// Was answered with a 2xx.
    case succeeded
    /// Given up, with its cause.
    case dead
    /// Called off by a person.
    case cancelled
}
