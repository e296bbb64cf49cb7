public import Dispatch

/// The executor of one connection: a serial queue of its own, on which blocking C calls may block.
///
/// Swift's cooperative pool has as many threads as the machine has cores, so a few calls that wait for a socket stop
/// every task of the process; a concurrent queue that several connections share shows the same with a delay. A serial
/// queue for each connection (an actor whose `unownedExecutor` is its lane) lets a call wait without anybody else
/// noticing.
///
/// A queue and not a thread: a lane that waits costs one thread of libdispatch's, which may have up to 255 of them for
/// serial queues, apart from those of the cooperative pool; a lane that is idle costs none. So whoever makes lanes
/// bounds their number, as a pool does. The queue lives as long as the lane or a job on it.
public final class SerialLane: SerialExecutor {
    /// The queue behind the lane, for event sources that must fire between the jobs of its actor.
    public let queue: DispatchQueue

    /// Makes a lane; the label shows in debuggers.
    public init(_ label: String) {
        queue = DispatchQueue(label: label)
    }

    /// Runs one job of the actor, in turn.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    /// Lets the handler of an event source on ``queue`` act as the actor (`assumeIsolated`); traps anywhere else.
    public func checkIsolated() {
        dispatchPrecondition(condition: .onQueue(queue))
    }
}
