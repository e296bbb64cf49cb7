import EventStore
import Logging

/// Tells the database now and then how far the ring is, so that retention drops nothing that has no frame yet.
///
/// The ring goes on from the positions beside it; what is told here is never read back. It may lag behind, which only
/// keeps partitions a little longer, and a report that fails is made good by the next.
struct PositionReport {
    /// The name among the followers: rings are told apart by their paths.
    let follower: String
    private let interval: Duration
    private var reported: [Int16: Int64] = [:]
    private var next = ContinuousClock.now

    init(ring path: String, interval: Duration = .seconds(5)) {
        follower = "collider-writer:\(path)"
        self.interval = interval
    }

    /// Reports positions that are new, when the time has come.
    mutating func report(_ positions: [Int16: Int64], to log: LogReader, logger: Logger) async {
        guard positions != reported, ContinuousClock.now >= next else { return }
        next = .now + interval
        do {
            try await log.note(positions, of: follower)
            reported = positions
        } catch {
            logger.debug("ring.report.failed", metadata: ["error": "\(error)"])
        }
    }
}
