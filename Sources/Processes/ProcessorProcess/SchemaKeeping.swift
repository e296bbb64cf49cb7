import EventModel
import EventStore
import JSONTree
import Logging
import Metrics
import Runtime
import SchemaLearning
import ServiceLifecycle

/// Learns the schema of every event type: the follower `schemas`.
///
/// It is a follower of its own and not a part of the evaluation, because what it writes is a row for every type of a
/// batch: the evaluation's small batches would write the same rows again and again, and whoever waits for a firing
/// would wait for them. Schemas and position are one transaction, so a kill at any point counts nothing twice.
struct SchemaKeeping: Service {
    /// Its name among the followers.
    static let follower = "schemas"
    /// Most events of a batch.
    static let batchLimit = 5_000
    /// Longest computation between two statements, well below the server's patience with idle transactions.
    private static let breath = Duration.milliseconds(200)
    /// How long it rests when everything is learned, so that a batch is worth its writes.
    private static let pause = Duration.seconds(1)

    let follower: LogFollower
    let schemas: SchemaStore
    let lag: FollowerLag
    /// Of the evaluation, which goes first.
    let leader: FollowerLag
    let logger: Logger

    func run() async throws {
        await repeatUntilShutdown(onError: failed) { try await learn() }
    }

    private func failed(_ error: any Error) {
        ProcessorMetrics.schemaFailures.increment()
        logger.warning("learning.failed", metadata: ["error": "\(error)"])
    }

    /// Learns from a batch; returns how long to rest then.
    private func learn() async throws -> Duration {
        let start = ContinuousClock.now
        let count = try await learnNext()
        ProcessorMetrics.schemaLag.record(try await lag.events())
        guard count > 0 else { return Self.pause }
        ProcessorMetrics.learned.increment(by: count)
        let isLeaderBehind = try await leader.events() > Int64(Self.batchLimit)
        let worked = start.duration(to: .now)
        if isLeaderBehind { return worked * 4 }
        // A batch that was not full was all there is.
        return count < Self.batchLimit ? Self.pause : .zero
    }

    /// Learns from the next events of one part; returns how many there were.
    func learnNext() async throws -> Int {
        try await follower.processNext { batch in
            var learning = Learning(
                schemas: try await schemas.load(for: batch.events.map(\.schemaKey), on: batch.session))
            var lastStatement = ContinuousClock.now
            func breathe() async throws {
                guard lastStatement.duration(to: .now) > Self.breath else { return }
                try await LogFollower.keepAlive(on: batch.session)
                lastStatement = .now
            }
            for event in batch.events {
                learning.observe(event)
                try await breathe()
            }
            while learning.mergeNext() { try await breathe() }
            try await schemas.save(learning.schemas, on: batch.session)
        }
    }
}

extension Event {
    fileprivate var schemaKey: SchemaKey { SchemaKey(organizationID: organizationID, eventType: type) }
}

/// What a batch adds to schemas.
private struct Learning {
    /// Fields after which a sample is merged into its schema, which keeps few: keys may be made up for every event.
    private static let maximumFields = 10_000

    var schemas: [SchemaKey: LearnedSchema]
    private var samples: [SchemaKey: SchemaSample] = [:]

    init(schemas: [SchemaKey: LearnedSchema]) {
        self.schemas = schemas
    }

    mutating func observe(_ event: Event) {
        // What can't be read the evaluation tells of.
        guard let parsed = try? ParsedEvent(event) else { return }
        samples[event.schemaKey, default: SchemaSample()].observe(parsed.data, at: event.receivedAt)
        if let sample = samples[event.schemaKey], sample.fieldCount > Self.maximumFields { merge(event.schemaKey) }
    }

    /// Merges what is left of one type; false when nothing is.
    mutating func mergeNext() -> Bool {
        guard let key = samples.keys.first else { return false }
        merge(key)
        return true
    }

    private mutating func merge(_ key: SchemaKey) {
        guard let sample = samples.removeValue(forKey: key) else { return }
        schemas[key, default: LearnedSchema(eventType: key.eventType, firstSeen: sample.firstSeen)].merge(sample)
    }
}
