/// The bookkeeping of a pool: who holds what, who waits. Pure: each call returns what the pool has to do.
///
/// A *slot* is the right to have one connection. There are `size` of them; each is either free, or held by a borrower
/// with or without a connection yet, or parked with an idle connection.
struct PoolState<Connection> {
    enum Acquisition {
        /// Use this idle connection.
        case connection(Connection)
        /// Make a connection; the slot is yours.
        case slot
        /// Wait; the waiter has been enrolled.
        case wait
        /// Refuse: as many wait already as may.
        case refuse
    }

    enum Handover {
        /// Nobody waits.
        case none
        /// This waiter gets the connection (or, without one, the slot).
        case waiter(Int, Connection?)
    }

    private let size: Int
    private let maximumWaiters: Int
    private var held = 0
    private var idle: [Connection] = []
    private var waiters: [Int] = []

    init(size: Int, maximumWaiters: Int) {
        self.size = size
        self.maximumWaiters = maximumWaiters
    }

    var waiterCount: Int { waiters.count }

    mutating func acquire(waiter: Int) -> Acquisition {
        // The most recently used one: its caches are warm, and the others may be closed by the server.
        if let connection = idle.popLast() { return .connection(connection) }
        if held < size {
            held += 1
            return .slot
        }
        guard waiters.count < maximumWaiters else { return .refuse }
        waiters.append(waiter)
        return .wait
    }

    /// A borrower gives its slot back, with its connection when that is good.
    mutating func release(_ connection: Connection?) -> Handover {
        guard waiters.isEmpty else { return .waiter(waiters.removeFirst(), connection) }
        if let connection {
            idle.append(connection)
        } else {
            held -= 1
        }
        return .none
    }

    /// A waiter gives up; false when it has been served meanwhile.
    mutating func cancel(waiter: Int) -> Bool {
        guard let index = waiters.firstIndex(of: waiter) else { return false }
        waiters.remove(at: index)
        return true
    }

    /// Takes all idle connections out, to close them.
    mutating func drain() -> [Connection] {
        held -= idle.count
        defer { idle = [] }
        return idle
    }
}
