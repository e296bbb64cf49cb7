/// Where a job stands that somebody asked for and a processor does: a backtest, a replay.
public enum JobStatus: String, Sendable, CaseIterable {
    /// No processor has taken it yet.
    case queued
    /// A processor works on it.
    case running
    /// It has been done.
    case succeeded
    /// It can't be done.
    case failed
    /// It was given up by whoever asked for it.
    case cancelled

    /// Whether nothing more happens.
    public var isFinal: Bool { self != .queued && self != .running }
}

extension Duration {
    /// The duration in microseconds, as statements take it.
    var wholeMicroseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }
}
