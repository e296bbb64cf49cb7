import CPostgres
import Glibc

extension PostgresHandle {
    /// Starts a connection; the caller owns it, also when it has failed already.
    static func start(_ words: [(String, String)]) -> OpaquePointer? {
        let keys = words.map { strdup($0.0) } + [nil]
        let values = words.map { strdup($0.1) } + [nil]
        defer { (keys + values).forEach { free($0) } }
        return keys.map { UnsafePointer($0) }.withUnsafeBufferPointer { keys in
            values.map { UnsafePointer($0) }.withUnsafeBufferPointer { values in
                PQconnectStartParams(keys.baseAddress!, values.baseAddress!, 0)
            }
        }
    }

    /// Waits through the handshake. libpq's own `connect_timeout` counts only in its blocking connect.
    func finishConnecting(withinSeconds seconds: Int) throws(PostgresError) {
        let deadline = ContinuousClock.now.advanced(by: .seconds(seconds))
        var wanted = PGRES_POLLING_WRITING
        while PQstatus(pointer) != CONNECTION_BAD, wanted != PGRES_POLLING_FAILED {
            if wanted == PGRES_POLLING_OK { return }
            let events = wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT
            guard PostgresSocket(PQsocket(pointer)).wait(for: events, until: deadline) else {
                throw PostgresError(.connection, "no connection within \(seconds) s")
            }
            wanted = PQconnectPoll(pointer)
        }
        throw PostgresError(.connection, String(cString: PQerrorMessage(pointer)))
    }
}

/// The descriptor of a connection, which libpq owns.
struct PostgresSocket: Sendable {
    private let descriptor: Int32

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Whether nothing has arrived. On a connection that waits for no answer, what has is bad news, mostly its end.
    ///
    /// Does not block, so that it may be asked on any thread.
    var isQuiet: Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) == 0
    }

    /// Blocks until the descriptor is ready; false when the deadline comes first.
    func wait(for events: Int32, until deadline: ContinuousClock.Instant) -> Bool {
        while true {
            let left = ContinuousClock.now.duration(to: deadline) / .milliseconds(1)
            guard left > 0 else { return false }
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            switch poll(&entry, 1, Int32(min(left.rounded(.up), 60_000))) {
            case 0: continue
            case -1 where errno == EINTR: continue
            // An error of the descriptor is for libpq to find and to word.
            default: return true
            }
        }
    }

    /// Another number for the same socket, which stays good after libpq has closed its own; the caller closes it.
    func duplicate() -> Int32? {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        return copy >= 0 ? copy : nil
    }
}
