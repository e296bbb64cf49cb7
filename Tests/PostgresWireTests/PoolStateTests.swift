import Testing

@testable import PostgresWire

/// The pool's bookkeeping against its rules, without a server.
@Suite("Pool bookkeeping")
struct PoolStateTests {
    @Test("No more slots are given out than there are")
    func bound() {
        var state = PoolState<String>(size: 2, maximumWaiters: 1)
        #expect(state.acquire().isSlot)
        #expect(state.acquire().isSlot)
        #expect(state.acquire() == nil)
        let isEnrolled = state.enrol(1)
        let isOneTooMany = state.enrol(2)
        #expect(isEnrolled && !isOneTooMany)
    }

    @Test("Waiters are served in the order in which they came, and those who left are skipped")
    func order() {
        var state = PoolState<String>(size: 1, maximumWaiters: 8)
        _ = state.acquire()
        for waiter in 1...3 { _ = state.enrol(waiter) }
        let isCancelled = state.cancel(1)
        let isCancelledTwice = state.cancel(1)
        #expect(isCancelled && !isCancelledTwice)
        guard case .waiter(2, .connection("a")) = state.release("a") else { return #expect(Bool(false)) }
        // A broken connection leaves its slot.
        guard case .waiter(3, .slot) = state.release(nil) else { return #expect(Bool(false)) }
        guard case .none(closing: nil) = state.release("b") else { return #expect(Bool(false)) }
        guard case .connection("b") = state.acquire() else { return #expect(Bool(false)) }
    }

    @Test("After the end nothing is kept, but borrowers finish")
    func close() {
        var state = PoolState<String>(size: 2, maximumWaiters: 8)
        _ = state.acquire()
        _ = state.acquire()
        _ = state.release("idle")
        #expect(state.close() == ["idle"])
        guard case .none(closing: "late") = state.release("late") else { return #expect(Bool(false)) }
        #expect(state.acquire().isSlot)
        #expect(state.acquire().isSlot)
        #expect(state.acquire() == nil)
    }

    @Test("While a server is away one caller per delay may try, and delays grow to two seconds")
    func gate() {
        var gate = ReconnectGate()
        let start = ContinuousClock.now
        #expect(gate.refusal(at: start, attempt: .seconds(5)) == nil)
        #expect(gate.refusal(at: start, attempt: .seconds(5)) == nil)
        let error = PostgresError(.connection, "away")
        #expect(gate.failed(error, at: start, jitter: 1) == 1)
        #expect(gate.refusal(at: start + .milliseconds(49), attempt: .seconds(5))?.message == "away")
        #expect(gate.refusal(at: start + .milliseconds(50), attempt: .seconds(5)) == nil)
        #expect(gate.refusal(at: start + .milliseconds(50), attempt: .seconds(5)) != nil)
        // An attempt that never ended does not close the gate for good.
        #expect(gate.refusal(at: start + .milliseconds(5_050), attempt: .seconds(5)) == nil)
        #expect(gate.succeeded() == 1)
        #expect(gate.refusal(at: start, attempt: .seconds(5)) == nil)
        #expect(gate.succeeded() == 0)

        var delay = ReconnectDelay()
        let delays = (0..<100).map { _ in delay.next(jitter: 0) }
        #expect(Array(delays.prefix(3)) == [.milliseconds(25), .milliseconds(50), .milliseconds(100)])
        #expect(delays.last == .seconds(1))
        delay.reset()
        #expect(delay.next(jitter: 1) == .milliseconds(50))
    }
}

extension Optional where Wrapped == PoolState<String>.Grant {
    fileprivate var isSlot: Bool {
        if case .slot = self { true } else { false }
    }
}
