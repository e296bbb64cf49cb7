import EventModel
import EventStore
import JSONTree
import Logging
import Metrics
import Runtime
import ServiceLifecycle
import TriggerEngine

/// Runs backtests, one at a time, over connections of its own.
///
/// Live evaluation goes first: while it has work left, a backtest rests for as long as it has worked, and it lets
/// others have the thread between slices of a page. A backtest is this process's as long as its lease is kept; another
/// process begins it anew when that has run out, and nothing that one wrote is lost, because only the end is written.
struct Backtesting: Service {
    /// What bounds a backtest.
    struct Limits {
        /// How long a backtest stays with a process that no longer answers.
        var lease = Duration.seconds(10)
        /// From one sign of life, which also tells whether it was cancelled, to the next.
        var report = Duration.milliseconds(250)
        /// Between two looks for work.
        var pause = Duration.milliseconds(500)
        /// The longest that one may run.
        var time = Duration.seconds(3_600)
        /// The most events that one may read.
        var events: Int64 = 100_000_000
        /// The most states that one may hold in memory.
        var states = 1_000_000
    }

    /// Events that are evaluated without giving way.
    private static let slice = 500
    /// Events that live evaluation may have before it, as it has under any load, without being behind.
    private static let backlog: Int64 = 1_000

    let store: BacktestStore
    let log: LogSliceSource
    let lag: FollowerLag
    let logger: Logger
    var limits = Limits()

    func run() async throws {
        await repeatUntilShutdown(onError: failed) { try await runNext() ? .zero : limits.pause }
    }

    private func failed(_ error: any Error) {
        ProcessorMetrics.backtestFailures.increment()
        logger.warning("backtest.failed", metadata: ["error": "\(error)"])
    }

    /// Takes a backtest that nobody works on, and completes it; false when there is none.
    func runNext() async throws -> Bool {
        guard let work = try await store.claim(lease: limits.lease) else { return false }
        try await complete(work)
        return true
    }

    /// Works on a backtest to its end. After an error the lease runs out, and whoever is next begins anew.
    private func complete(_ work: BacktestWork) async throws {
        let metadata: Logger.Metadata = ["backtest.id": "\(work.id)", "backtest.attempt": "\(work.attempt)"]
        logger.info("backtest.started", metadata: metadata)
        var run = BacktestRun(work, limits: limits)
        let ending = try await evaluate(&run)
        ProcessorMetrics.backtestEvents.increment(by: Int(run.events))
        switch ending {
        case .lost: logger.info("backtest.lost", metadata: metadata)
        case .shutdown: try await store.release(work)
        case .complete, .events, .time, .states:
            try await store.finish(work, events: run.events, result: run.result(ending))
            ProcessorMetrics.backtests.increment()
            logger.info("backtest.finished", metadata: metadata.merging(["backtest.events": "\(run.events)"]) { $1 })
        }
    }

    /// Goes through the log; the next page is read while one is evaluated.
    private func evaluate(_ run: inout BacktestRun) async throws -> BacktestRun.Ending {
        var slice = try await log.slice(for: run.work)
        var page = try await slice.nextPage()
        while let events = page {
            let reading = slice
            async let ahead = Self.read(reading)
            let start = ContinuousClock.now
            for begin in stride(from: 0, to: events.count, by: Self.slice) {
                if Task.isShuttingDownGracefully { return .shutdown }
                run.take(events[begin..<min(events.count, begin + Self.slice)])
                guard try await report(&run, slice) else { return .lost }
                await Task.yield()
            }
            if try await isLiveBehind(&run) { try await Task.sleep(for: start.duration(to: .now)) }
            (slice, page) = try await ahead
            guard try await report(&run, slice) else { return .lost }
            if let ending = run.limitReached { return ending }
        }
        run.finish()
        return .complete
    }

    private static func read(_ slice: LogSlice) async throws -> (LogSlice, [Event]?) {
        var slice = slice
        let page = try await slice.nextPage()
        return (slice, page)
    }

    /// Says how far it is when it is time to; false when the backtest is no longer this process's.
    private func report(_ run: inout BacktestRun, _ slice: LogSlice) async throws -> Bool {
        guard run.isReportDue() else { return true }
        return try await store.advance(
            run.work, events: run.events, positions: slice.positionsRead, total: slice.positions, lease: limits.lease)
    }

    /// Asked about as often as reported.
    private func isLiveBehind(_ run: inout BacktestRun) async throws -> Bool {
        guard run.isLookDue() else { return run.isLiveBehind }
        run.isLiveBehind = try await lag.events() > Self.backlog
        return run.isLiveBehind
    }
}

/// One backtest under way.
struct BacktestRun {
    /// Why it has ended.
    enum Ending: String {
        /// All there is was read.
        case complete
        /// As many events were read as may be.
        case events
        /// It ran as long as it may.
        case time
        /// It holds as many states as it may.
        case states
        /// It is somebody else's now, or was cancelled.
        case lost
        /// The process ends.
        case shutdown
    }

    let work: BacktestWork
    private(set) var events: Int64 = 0
    var isLiveBehind = false
    private let limits: Backtesting.Limits
    private let end: ContinuousClock.Instant
    private var nextReport = ContinuousClock.now
    private var nextLook = ContinuousClock.now
    private var dryRun: TriggerDryRun
    private var tally: BacktestTally
    private var reached: Timestamp?

    init(_ work: BacktestWork, limits: Backtesting.Limits) {
        self.work = work
        self.limits = limits
        end = .now.advanced(by: limits.time)
        dryRun = TriggerDryRun(work.trigger)
        tally = BacktestTally(actionKinds: work.actionKinds)
    }

    /// The bound that it has come to.
    var limitReached: Ending? {
        if events >= limits.events { return .events }
        if dryRun.states >= limits.states { return .states }
        return ContinuousClock.now >= end ? .time : nil
    }

    /// Evaluates events. What does not reach the trigger is not even parsed.
    mutating func take(_ page: ArraySlice<Event>) {
        events += Int64(page.count)
        for event in page where work.trigger.definition.takes(event.type) {
            // What can't be read live evaluation has passed over too.
            guard let parsed = try? ParsedEvent(event) else { continue }
            for match in dryRun.take(parsed) { tally.count(match) }
        }
        reached = page.last?.receivedAt ?? reached
    }

    /// Fires the timers that were due before the end.
    mutating func finish() {
        for match in dryRun.advance(to: Timestamp(microseconds: work.to.microseconds - 1)) { tally.count(match) }
    }

    mutating func isReportDue() -> Bool { Self.isDue(&nextReport, every: limits.report) }

    mutating func isLookDue() -> Bool { Self.isDue(&nextLook, every: limits.report) }

    private static func isDue(_ next: inout ContinuousClock.Instant, every interval: Duration) -> Bool {
        let now = ContinuousClock.now
        guard now >= next else { return false }
        next = now.advanced(by: interval)
        return true
    }

    /// The result as it is stored; one that is not complete says how far it went.
    func result(_ ending: Ending) -> [UInt8] {
        var writer = JSONWriter()
        writer.object {
            $0.member("complete", ending == .complete)
            if ending != .complete {
                $0.member("stopped_by", ending.rawValue)
                $0.member("read_until", reached?.rfc3339)
            }
            $0.member("events", events)
            tally.write(to: &$0)
        }
        return writer.bytes
    }
}
