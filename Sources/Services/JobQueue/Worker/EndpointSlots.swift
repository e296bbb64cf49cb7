/// Who may be sent now: at most so many at a time, and at most so many of them to one endpoint.
///
/// A job whose endpoint has no free slot waits here if its turn will come sooner than it could come back, judged by how
/// long the endpoint has taken lately. So the line of a fast endpoint may be long, and that of a slow one is short;
/// what comes beyond it is put off, so that a slow endpoint never holds all workers. The delay of a put-off job is an
/// appointment, the time at which its turn would come, so that a long backlog comes back drop by drop.
///
/// New jobs go before those that have waited elsewhere already, such as retries, but for every eighth time; and an
/// eighth of the slots is theirs alone: retries go to the endpoints that were slow or silent before, and must not hold
/// all that there is.
///
/// A pure state machine: the caller passes the time and carries out what is returned.
struct EndpointSlots<Job: Sendable>: Sendable {
    /// The bounds.
    struct Limits: Sendable {
        /// Jobs that run at a time.
        var running = 32
        /// Jobs of one endpoint that run at a time, and that may wait here however slow it is.
        var runningPerEndpoint = 8
        /// Jobs that run or wait.
        var inHand = 128

        /// Jobs that run at a time of those that have waited already.
        var runningLater: Int { running - running / 8 }
        /// Of those, jobs that run or wait.
        var inHandLater: Int { max(1, inHand * 3 / 4) }
    }

    /// What to do with a job that has come.
    enum Arrival: Equatable {
        /// Run it.
        case start
        /// Keep it; ``EndpointSlots/finish(endpoint:took:)`` returns it in its turn.
        case wait
        /// Give it back for so long.
        case putOff(Duration)
    }

    private struct Endpoint {
        /// What a job of an endpoint takes of which nothing is known, for the length of its line.
        static var assumed: Duration { .milliseconds(250) }
        /// The same for appointments: sooner, because its first answers say more, and will be there by then.
        static var assumedForAppointments: Duration { .milliseconds(32) }

        var running = 0
        var waiting = 0
        /// Moving average of what a job takes; nil while that is not known.
        var usual: Duration?
        var nextAppointment: ContinuousClock.Instant?

        mutating func note(_ duration: Duration) {
            usual = usual.map { ($0 * 7 + duration) / 8 } ?? duration
        }

        /// What is remembered of an endpoint that has nothing to do: that it is fast. It may have recovered meanwhile.
        mutating func rest() {
            usual = usual.flatMap { $0 < Self.assumed ? $0 : nil }
            nextAppointment = nil
        }
    }

    /// Endpoints that are remembered; beyond it those that have nothing to do are forgotten.
    private static var maximumEndpoints: Int { 1_000 }

    static var shortestDelay: Duration { .milliseconds(500) }
    static var longestDelay: Duration { .seconds(60) }
    /// New jobs that go before one that has waited, in a row.
    static var longestPassing: Int { 7 }

    let limits: Limits
    private(set) var running = 0
    private var runningLater = 0
    /// How often in a row a new job went before one that has waited.
    private var passed = 0
    private var endpoints: [String: Endpoint] = [:]
    private var waiting: [(endpoint: String, isLater: Bool, job: Job)] = []

    init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// How many more jobs may come.
    var room: Int { limits.inHand - running - waiting.count }

    /// Room that is worth a round trip.
    var batch: Int { max(1, min(limits.running / 2, (limits.inHand - limits.running) / 2)) }

    /// Jobs that run or wait.
    var inHand: Int { running + waiting.count }

    /// Endpoints of which something is remembered.
    var knownEndpoints: Int { endpoints.count }

    /// Takes in a job.
    ///
    /// - Parameter isLater: whether it has waited already.
    mutating func arrive(
        _ job: Job, endpoint name: String, isLater: Bool = false, at now: ContinuousClock.Instant
    ) -> Arrival {
        var endpoint = endpoints[name, default: Endpoint()]
        defer { keep(endpoint, as: name) }
        if canStart(endpoint, isLater: isLater) {
            running += 1
            if isLater { runningLater += 1 }
            endpoint.running += 1
            return .start
        }
        if canWait(endpoint) {
            endpoint.waiting += 1
            waiting.append((name, isLater, job))
            return .wait
        }
        let earliest = now.advanced(by: Self.shortestDelay)
        let turn = max(earliest, endpoint.nextAppointment ?? earliest)
            .advanced(by: (endpoint.usual ?? Endpoint.assumedForAppointments) / limits.runningPerEndpoint)
        let delay = min(now.duration(to: turn), Self.longestDelay)
        endpoint.nextAppointment = now.advanced(by: delay)
        return .putOff(delay)
    }

    /// Notes that a job has ended, and returns the one that runs in its place.
    ///
    /// One slot became free, so that at most one can start: of those whose endpoint has a slot the new job that waits
    /// longest, or else one that has waited elsewhere.
    ///
    /// - Parameters:
    ///   - isLater: as it was at its arrival.
    ///   - duration: what the endpoint took; nil when it was not called.
    mutating func finish(endpoint name: String, isLater: Bool = false, took duration: Duration?) -> Job? {
        running -= 1
        if isLater { runningLater -= 1 }
        update(name) {
            $0.running -= 1
            if let duration { $0.note(duration) }
        }
        guard let index = nextWaiting() else { return nil }
        let next = waiting.remove(at: index)
        running += 1
        if next.isLater { runningLater += 1 }
        update(next.endpoint) {
            $0.waiting -= 1
            $0.running += 1
        }
        return next.job
    }

    /// Gives back everything that waits.
    mutating func drain() -> [Job] {
        let jobs = waiting.map(\.job)
        for entry in waiting { update(entry.endpoint) { $0.waiting -= 1 } }
        waiting = []
        return jobs
    }

    private mutating func nextWaiting() -> Int? {
        guard let later = firstWaiting(isLater: true) else { return firstWaiting(isLater: false) }
        guard passed < Self.longestPassing, let new = firstWaiting(isLater: false) else {
            passed = 0
            return later
        }
        passed += 1
        return new
    }

    private func firstWaiting(isLater: Bool) -> Int? {
        waiting.firstIndex {
            $0.isLater == isLater && canStart(endpoints[$0.endpoint, default: Endpoint()], isLater: isLater)
        }
    }

    private func canStart(_ endpoint: Endpoint, isLater: Bool) -> Bool {
        running < limits.running && endpoint.running < limits.runningPerEndpoint
            && (!isLater || runningLater < limits.runningLater)
    }

    private func canWait(_ endpoint: Endpoint) -> Bool {
        guard room > 0 else { return false }
        let turn = (endpoint.usual ?? Endpoint.assumed) * (endpoint.waiting + 1) / limits.runningPerEndpoint
        return endpoint.waiting < limits.runningPerEndpoint || turn <= Self.shortestDelay
    }

    private mutating func update(_ name: String, _ change: (inout Endpoint) -> Void) {
        var endpoint = endpoints[name, default: Endpoint()]
        change(&endpoint)
        keep(endpoint, as: name)
    }

    private mutating func keep(_ endpoint: Endpoint, as name: String) {
        var endpoint = endpoint
        if endpoint.running + endpoint.waiting == 0 { endpoint.rest() }
        endpoints[name] = endpoint
        guard endpoints.count > Self.maximumEndpoints + limits.inHand else { return }
        endpoints = endpoints.filter { $0.value.running + $0.value.waiting > 0 }
    }
}
