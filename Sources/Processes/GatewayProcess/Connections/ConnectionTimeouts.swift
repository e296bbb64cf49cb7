import NIOCore
import Runtime

/// How long a connection may take for what.
struct ConnectionTimeouts: Sendable {
    /// From the connection to the end of its first head, a TLS handshake included: without it, whoever opens
    /// connections and says nothing would hold all there are.
    var firstHead = TimeAmount.seconds(15)
    /// From an answer to the end of the next head, and between two pieces of a body.
    var idle = TimeAmount.seconds(75)
    /// From a head to the end of its body.
    var body = TimeAmount.seconds(60)
    /// From the end of the listening to the end of every connection, whatever it still waits for.
    var drain = TimeAmount.seconds(15)
    /// In which a client can read our last word before its connection is closed.
    var lingering = ProblemAnswers.lingering
    /// How often the others are looked at.
    var tick = TimeAmount.seconds(5)
}

extension ConnectionTimeouts {
    /// Those of an operator's choice; short ones are looked at more often.
    init(_ settings: ServerSettings) {
        let times = (settings.headSeconds, settings.bodySeconds, settings.idleSeconds)
        firstHead = .seconds(Int64(times.0))
        body = .seconds(Int64(times.1))
        idle = .seconds(Int64(times.2))
        tick = min(tick, .milliseconds(Int64(min(times.0, times.1, times.2)) * 1000 / 3))
    }
}
