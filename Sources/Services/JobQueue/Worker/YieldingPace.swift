import Synchronization

/// How fast what has waited already is taken in.
///
/// Ten thousand retries that fall due at once would take PostgreSQL, Redis and the processors for themselves, and new
/// deliveries, which people wait for, would be the slower for seconds. So while new ones come, retries are taken in
/// small batches, with rests in between that are a multiple of what a batch took to claim: on a machine or a database
/// that is busy they are longer by themselves. Without anything new there are no rests, and batches are large.
///
/// Nobody starves. From ``patience`` on, what is late has ever larger batches and shorter rests, and from ``limit`` on
/// none: then both ways are equal, whatever comes.
///
/// A pure state machine: the caller passes what happened and carries out what is returned.
struct YieldingPace: Sendable {
    /// How late a retry may be before it is hurried.
    static let patience = Duration.seconds(5)
    /// How late a retry is when it no longer gives way.
    static let limit = Duration.seconds(30)
    /// A batch of those that are not late.
    static let smallBatch = 8
    /// The rest after it, as a multiple of the time that it took.
    static let restFactor = 8.0

    private let fullBatch: Int
    /// From 0 to 1 between the two times.
    private var pressure = 0.0

    /// Makes a pace.
    ///
    /// - Parameter fullBatch: of those that give way to nobody.
    init(fullBatch: Int) {
        self.fullBatch = fullBatch
    }

    /// How many to claim next.
    func batch(isYielding: Bool) -> Int {
        guard isYielding, fullBatch > Self.smallBatch else { return fullBatch }
        return Self.smallBatch + Int(Double(fullBatch - Self.smallBatch) * pressure)
    }

    /// Notes a batch, and returns how long to rest after it.
    ///
    /// - Parameters:
    ///   - took: the time to claim it.
    ///   - lateness: how long the first of it had been due; nil when there was none after all.
    ///   - share: how much of it was claimed, from 0 to 1; the rest was claimed by others.
    mutating func rest(after took: Duration, lateness: Duration?, share: Double, isYielding: Bool) -> Duration {
        if let lateness {
            pressure = min(max((lateness - Self.patience) / (Self.limit - Self.patience), 0), 1)
        }
        return isYielding ? took * (Self.restFactor * (1 - pressure) * share) : .zero
    }
}

/// When a new delivery came last, known to both ways.
final class NewArrivals: Sendable {
    /// For how long after one more are expected.
    static let window = Duration.milliseconds(250)

    private let last = Mutex<ContinuousClock.Instant?>(nil)

    /// Whether they are coming.
    func areComing(at now: ContinuousClock.Instant) -> Bool {
        last.withLock { last in last.map { $0.duration(to: now) < Self.window } ?? false }
    }

    func note(at now: ContinuousClock.Instant) {
        last.withLock { $0 = now }
    }
}
