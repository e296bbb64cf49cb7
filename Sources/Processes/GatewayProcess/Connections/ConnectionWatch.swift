import NIOCore

/// What is known of a connection's, or a stream's, progress: whether the client has had its time to send what we wait
/// for, or to read what we have for it.
struct ConnectionWatch {
    /// When it is closed unless something happens; nil while we owe an answer.
    var deadline: NIODeadline?
    /// When it is closed whatever happens.
    var end: NIODeadline?
    /// What of our answers waits to be read by the client, and since when it has not become less.
    private var unsent = (bytes: 0, since: NIODeadline.uptimeNanoseconds(0))

    init(deadline: NIODeadline?) {
        self.deadline = deadline
    }

    /// Takes note that the client has read something, where that is known more closely than by what is left.
    mutating func progressed(at now: NIODeadline) {
        unsent.since = now
    }

    /// - Parameter unsentBytes: what of our answers is not on its way yet.
    mutating func isOverdue(unsentBytes: Int, at now: NIODeadline, patience: TimeAmount) -> Bool {
        if let end, end <= now { return true }
        // Only less is progress: a stream of events goes on writing to a client that no longer reads.
        if unsentBytes == 0 || unsentBytes < unsent.bytes { unsent.since = now }
        unsent.bytes = unsentBytes
        if unsentBytes > 0 { return now - unsent.since >= patience }
        return deadline.map { $0 <= now } ?? false
    }
}
