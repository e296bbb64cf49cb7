/// The bookkeeping of a pool: who holds what, who waits. Pure: each call returns what the pool has to do.
///
/// A *slot* is the right to have one connection. There are `size` of them; each is either free, or held by a borrower
/// with or without a connection yet, or parked with an idle connection. Waiters are served in the order in which they
/// came, and exist only while no slot is free.
struct PoolState<Connection> {
    enum Grant {
        /// Use this idle connection.
        case connection(Connection)
        /// Make a connection; the slot is yours.
        case slot
    }

    enum Handover {
        /// This waiter gets the connection or the slot.
        case waiter(Int, Grant)
        /// Nobody waits. A connection that is not kept is the caller's to close.
        case none(closing: Connection?)
    }

    private let size: Int
    private let maximumWaiters: Int
    private var held = 0
    private var idle: [Connection] = []
    private var waiters: [Int] = []
    private var isClosed = false

    init(size: Int, maximumWaiters: Int) {
        precondition(size > 0 && maximumWaiters >= 0)
        self.size = size
        self.maximumWaiters = maximumWaiters
    }

    var waiterCount: Int { waiters.count }

    /// What is free now; nil when nothing is.
    mutating func acquire() -> Grant? {
        // The most recently used one: its caches are warm, and the others may be closed by the server.
        if let connection = idle.popLast() { return .connection(connection) }
        guard held < size else { return nil }
        held += 1
        return .slot
    }

    /// Queues a waiter; false when as many wait already as may.
    mutating func enrol(_ waiter: Int) -> Bool {
        guard waiters.count < maximumWaiters else { return false }
        waiters.append(waiter)
        return true
    }

    /// A borrower gives its slot back, with its connection when that is good.
    mutating func release(_ connection: Connection?) -> Handover {
        guard waiters.isEmpty else {
            return .waiter(waiters.removeFirst(), connection.map { .connection($0) } ?? .slot)
        }
        guard let connection, !isClosed else {
            held -= 1
            return .none(closing: connection)
        }
        idle.append(connection)
        return .none(closing: nil)
    }

    /// A waiter gives up; false when it has been served meanwhile.
    mutating func cancel(_ waiter: Int) -> Bool {
        guard let index = waiters.firstIndex(of: waiter) else { return false }
        waiters.remove(at: index)
        return true
    }

    /// From now on nothing is kept idle; the connections that are, are the caller's to close.
    mutating func close() -> [Connection] {
        isClosed = true
        held -= idle.count
        defer { idle = [] }
        return idle
    }
}
