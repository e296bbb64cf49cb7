import EmbeddingSource
import EventModel
import EventStore
import FrameModel
import FrameRing
import JSONTree
import Logging
import Metrics
import Runtime
import ServiceLifecycle

/// Makes a frame of every event, in log order, once.
///
/// A batch is some events of one part: read, embedded (for which it waits no longer than a bound), framed, written to
/// the ring; then the ring's positions are saved. What a crash can leave between the writing and the saving is settled
/// at the next start (``LogCursor``). Nothing between the first frame of a batch and its saved positions waits for
/// anything, so a stop never comes in between.
///
/// While PostgreSQL is away the batches fail and are tried again, less and less often; the writer says so once and
/// beats on, so that readers can tell a quiet writer from a dead one.
actor Framing: Service {
    /// How many events of each part are looked back at for the conversations that go on.
    private static let memory = 10_000

    private let ring: RingWriter
    private let log: LogReader
    private let embedder: any Embedder
    private let wakeUps: WakeUps
    private let logger: Logger
    private let health = FramingHealth()
    private let knowledge: EventKnowledge
    private var builder = FrameBuilder()
    private var cursor: LogCursor?
    private var report: PositionReport
    private var backoff = Backoff(initial: .milliseconds(200), maximum: .seconds(5))
    private var retry = ContinuousClock.now

    init(
        ring: sending RingWriter, log: LogReader, report: PositionReport, fields: FieldStore,
        embedder: any Embedder, wakeUps: WakeUps, logger: Logger
    ) {
        self.ring = ring
        self.log = log
        self.report = report
        self.embedder = embedder
        self.wakeUps = wakeUps
        self.logger = logger
        knowledge = EventKnowledge(log: log, fields: fields)
    }

    /// Fails when the log has not been read for a while.
    nonisolated var readiness: ReadinessCheck { health.readiness }

    /// Frames what there is, then waits for a wake-up. Stops between two batches.
    func run() async throws {
        for await _ in wakeUps.cancelOnGracefulShutdown() {
            ring.beat(at: .now())
            guard ContinuousClock.now >= retry else { continue }
            do {
                try await catchUp()
                recover()
            } catch let error as RingError {
                // The ring's own files are gone or full: a new start says it better than a retry.
                throw error
            } catch {
                fail(error)
            }
        }
    }

    private func recover() {
        if backoff.attempts > 0 { logger.info("framing.recovered") }
        backoff.reset()
    }

    private func fail(_ error: any Error) {
        FramingMetrics.failures.increment()
        let level: Logger.Level = backoff.attempts == 0 ? .warning : .debug
        logger.log(level: level, "framing.failed", metadata: ["error": "\(error)"])
        retry = .now + backoff.next()
    }

    /// Works until every part is framed up to where the log was at the last look, or a stop is asked for.
    private func catchUp() async throws {
        var cursor = try await look()
        while !cursor.partsBehind.isEmpty {
            for part in cursor.partsBehind {
                guard !Task.isShuttingDownGracefully else { return }
                try await frameBatch(of: part)
            }
            cursor = try await look()
            await tell(cursor)
        }
        await tell(cursor)
    }

    private func tell(_ cursor: LogCursor) async {
        var report = report
        await report.report(cursor.positions, to: log, logger: logger)
        self.report = report
    }

    /// Looks where the log ends; the first time, also where to go on.
    private func look() async throws -> LogCursor {
        if var cursor {
            cursor.look(try await log.heads())
            self.cursor = cursor
            note(cursor, newest: nil)
            return cursor
        }
        let found = try await LogCursor(resuming: ring, log: log, limit: batchLimit, logger: logger)
        try await remember(upTo: found)
        // Saved before the first frame, so that every frame from now on is newer than some saved positions.
        try ring.save(found.positions)
        cursor = found
        logger.info(
            "ring.opened",
            metadata: [
                "ring.head": "\(ring.head)", "ring.capacity": "\(ring.capacity)", "ring.epoch": "\(ring.epoch)",
                "log.lag": "\(found.lag)",
            ])
        note(found, newest: nil)
        return found
    }

    /// Learns how conversations moved before the first event that is to be framed: from the frames of a ring that holds
    /// enough of them, else from the log.
    private func remember(upTo cursor: LogCursor) async throws {
        builder = FrameBuilder()
        if min(ring.head, UInt64(ring.capacity)) >= UInt64(Self.memory) {
            ring.replay { builder.kinetics.replay($0) }
            return
        }
        for (part, position) in cursor.positions.sorted(by: { $0.key < $1.key }) {
            var reached = max(0, position - Int64(Self.memory))
            while reached < position {
                let limit = Int(min(Int64(LogCursor.batchLimit), position - reached))
                let events = try await log.read(part: part, after: reached, limit: limit)
                for event in events { _ = builder.kinetics.observe(Conversation(event), at: event.time) }
                guard let newest = events.last else { break }
                reached = newest.position
            }
        }
    }

    /// No longer than the ring: what lies between two saves must still be in it after a crash.
    private var batchLimit: Int { min(LogCursor.batchLimit, ring.capacity) }

    private func frameBatch(of part: Int16) async throws {
        guard var cursor else { return }
        let start = ContinuousClock.now
        let events = try await log.read(part: part, after: cursor.positions[part] ?? 0, limit: batchLimit)
        let parsed = events.compactMap { parse($0) }
        let facts = try await knowledge.learn(from: parsed)
        let embeddings = await embedder.embed(parsed)
        let now = Timestamp.now()
        ring.write(
            zip(zip(parsed, embeddings), facts).map { eventAndEmbedding, facts in
                builder.frame(
                    of: eventAndEmbedding.0, embedding: eventAndEmbedding.1, fillRate: facts.fillRate,
                    intentNumber: facts.intentNumber, publishedAt: now)
            })
        ring.wakeReaders()
        // Nothing to read although the log goes on: retention has dropped what was there.
        cursor.advance(part, to: events.last?.position ?? cursor.head(of: part))
        try ring.save(cursor.positions)
        ring.beat(at: now)
        self.cursor = cursor
        FramingMetrics.frames.increment(by: parsed.count)
        FramingMetrics.batch.record(duration: ContinuousClock.now - start)
        note(cursor, newest: events.last?.receivedAt)
    }

    private func parse(_ event: Event) -> ParsedEvent? {
        do {
            return try ParsedEvent(event)
        } catch {
            // The gateway admits nothing that the same parser refuses, so this row was written by somebody else.
            logger.error("event.unreadable", metadata: ["event.id": "\(event.id)", "error": "\(error)"])
            FramingMetrics.unreadable.increment()
            return nil
        }
    }

    private func note(_ cursor: LogCursor, newest: Timestamp?) {
        health.looked(at: .now(), lag: cursor.lag, frames: ring.head, newest: newest)
    }
}
