/// One thing that a process needs in order to work, and how to find out whether it is there.
public struct ReadinessCheck: Sendable {
    /// What a check found.
    public enum State: Sendable, Equatable {
        /// It works; the text says how, `connected`.
        case ready(String = "ok")
        /// It does not; the text says why, without secrets.
        case failing(String)
    }

    /// Name in the answer, `database`.
    public let name: String
    /// Longest time that the check may take before it counts as failing.
    public let timeout: Duration
    private let check: @Sendable () async -> State

    /// Creates a check; the closure should give up when cancelled.
    public init(_ name: String, timeout: Duration = .seconds(2), check: @escaping @Sendable () async -> State) {
        self.name = name
        self.timeout = timeout
        self.check = check
    }

    /// Runs the check within its time.
    ///
    /// The closure is cancelled at the timeout, and awaited: it holds the caller no longer than it ignores that.
    public func state() async -> State {
        await withTaskGroup(of: State?.self) { group in
            group.addTask { await check() }
            group.addTask {
                try? await Task.sleep(for: timeout)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first ?? .failing("no answer within \(timeout)")
        }
    }
}

/// What all checks of a process found.
public struct ReadinessReport: Sendable {
    /// Each check's name and state, in the order of the checks.
    public let states: [(name: String, state: ReadinessCheck.State)]

    /// Whether every check is ready.
    public var isReady: Bool {
        states.allSatisfy { if case .ready = $0.state { true } else { false } }
    }

    /// Runs the checks side by side.
    public static func collect(_ checks: [ReadinessCheck]) async -> ReadinessReport {
        let found = await withTaskGroup(of: (Int, ReadinessCheck.State).self) { group in
            for (index, check) in checks.enumerated() {
                group.addTask { (index, await check.state()) }
            }
            var found = [ReadinessCheck.State](repeating: .failing("not run"), count: checks.count)
            for await (index, state) in group { found[index] = state }
            return found
        }
        return ReadinessReport(states: zip(checks, found).map { ($0.name, $1) })
    }
}
