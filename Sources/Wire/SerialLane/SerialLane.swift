public import Dispatch

/// The executor of one connection: a serial queue of its own, on which blocking C calls may block.
///
/// Swift's cooperative pool has as many threads as the machine has cores, so a few calls that wait for a socket stop
/// every task of the process; a concurrent queue that several connections share shows the same with a delay. A serial
/// queue for each connection (an actor whose `unownedExecutor` is its lane) lets a call wait without anybody else
/// noticing.
///
/// A queue and not a thread of its own: a hop onto it and back took 6 µs in a measurement, and 9 µs by a thread with a
/// condition variable; a lane that is idle costs nothing, and one that waits costs a thread of libdispatch's. Of those
/// a process has 255 for all its serial queues together: with 254 lanes blocked at once everything else ran on time,
/// with 256 nothing ran any more, timers included. So whoever makes lanes bounds their number well below, as a pool
/// does.
///
/// The queue lives as long as the lane or a job on it.
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
