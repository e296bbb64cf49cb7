public import ActionModel
public import EventModel
import PostgresWire
import Runtime

/// What becomes of a delivery after an attempt.
public enum DeliveryOutcome: Sendable, Equatable {
    /// It arrived.
    case succeeded
    /// It is tried again after this many microseconds; `because` says why then.
    case scheduled(afterMicroseconds: Int64, reason: String, because: String? = nil)
    /// It is given up.
    case dead(reason: String)
    /// It is given up, its action is disabled in this version, and what waits for that action is cancelled.
    case disabled(reason: String)
    /// It is no longer wanted.
    case cancelled(reason: String)

    var status: DeliveryStatus {
        switch self {
        case .succeeded: .succeeded
        case .scheduled: .scheduled
        case .dead, .disabled: .dead
        case .cancelled: .cancelled
        }
    }

    var reason: String? {
        switch self {
        case .succeeded: nil
        case .scheduled(_, let reason, _), .dead(let reason), .disabled(let reason), .cancelled(let reason): reason
        }
    }

    var delayMicroseconds: Int64 {
        if case .scheduled(let delay, _, _) = self { delay } else { 0 }
    }

    var nextAttemptReason: String? {
        if case .scheduled(_, _, let because) = self { because } else { nil }
    }
}

/// A claimed delivery that is given back unattempted.
public struct PutOffDelivery: Sendable, Equatable {
    /// The worker's right to it.
    public let lease: DeliveryLease
    /// How long it is not due.
    public let delayMicroseconds: Int64
    /// Why it is given back.
    public let cause: PutOffCause
    /// Why for so long, in words.
    public let reason: String

    /// Makes one.
    public init(_ lease: DeliveryLease, delayMicroseconds: Int64, cause: PutOffCause, reason: String) {
        self.lease = lease
        self.delayMicroseconds = delayMicroseconds
        self.cause = cause
        self.reason = reason
    }
}

/// What the log of attempts keeps of one; an object, as `ClaimedDelivery` is.
public final class AttemptRecord: Sendable {
    /// How it went.
    public let result: AttemptResult
    /// The beginning of the request, without secrets.
    public let request: String?
    /// Set when nothing was attempted, because the receiver takes no more for now.
    public let putOff: ReceiverLimit?
    /// The event that the answer becomes when the delivery succeeds; nil for none.
    public let event: EventEnvelope?

    /// Makes a record.
    public init(
        _ result: AttemptResult, request: String? = nil, putOff: ReceiverLimit? = nil, event: EventEnvelope? = nil
    ) {
        self.result = result
        self.request = request
        self.putOff = putOff
        self.event = event
    }

    /// An attempt that came to nothing before anything was sent.
    static func notSent(_ reason: String) -> AttemptRecord {
        AttemptRecord(AttemptResult(failure: .invalidRequest, error: reason, durationMicroseconds: 0))
    }
}

/// An attempt that is over, and what becomes of its delivery.
public struct EndedAttempt: Sendable {
    /// The worker's right to the delivery.
    public let lease: DeliveryLease
    /// What becomes of the delivery.
    public let outcome: DeliveryOutcome
    /// What the log keeps.
    public let record: AttemptRecord

    /// Makes one.
    public init(_ lease: DeliveryLease, _ outcome: DeliveryOutcome, after record: AttemptRecord) {
        self.lease = lease
        self.outcome = outcome
        self.record = record
    }

    /// Whether nothing but the delivery's own rows has to be written, so that it can share a commit with others.
    public var isPlain: Bool {
        switch outcome {
        case .succeeded: record.event == nil
        case .disabled: false
        case .scheduled, .dead, .cancelled: true
        }
    }
}

/// What became of attempts that were to be ended. Of those that are in neither nothing has changed, because their lease
/// is no longer the delivery's: it ran out, and somebody else has the delivery or has finished it.
public struct FinishAnswer: Sendable {
    /// The deliveries whose attempts were ended.
    public var ended: Set<UniqueID> = []
    /// What can't be stored however often it is tried, and why, in PostgreSQL's words.
    public var refused: [UniqueID: String] = [:]
}

extension DeliveryStore {
    /// Ends attempts: moves each delivery and logs the attempt, all in one statement. Of the outcomes only what
    /// concerns the deliveries themselves; see ``finish(_:_:after:)``.
    ///
    /// What the server refuses together is tried one by one, so that one that can't be stored harms no other.
    ///
    /// - Throws: when PostgreSQL is away, or may be back for the next try; nothing has been ended for certain then.
    public func finish(_ ended: [EndedAttempt]) async throws -> FinishAnswer {
        do {
            return FinishAnswer(ended: try await finish(ended, on: pool))
        } catch {
            guard let refusal = error as? PostgresError, !refusal.isRetriable else { throw error }
            var answer = FinishAnswer()
            guard ended.count > 1 else {
                for one in ended { answer.refused[one.lease.deliveryID] = refusal.description }
                return answer
            }
            for one in ended {
                let single = try await finish([one])
                answer.ended.formUnion(single.ended)
                answer.refused.merge(single.refused) { $1 }
            }
            return answer
        }
    }

    /// Ends an attempt of a claimed delivery with all that follows from it: also disables the action, and appends the
    /// event that the answer becomes.
    ///
    /// - Returns: false, and nothing has changed, when the lease is no longer the delivery's.
    @discardableResult
    public func finish(
        _ claimed: ClaimedDelivery, _ outcome: DeliveryOutcome, after attempt: AttemptRecord
    ) async throws -> Bool {
        let ended = EndedAttempt(claimed.lease, outcome, after: attempt)
        if case .succeeded = outcome, let event = attempt.event {
            return try await finish(ended, appending: event, organizationID: claimed.delivery.organizationID)
        }
        guard case .disabled(let reason) = outcome else { return try await !finish([ended], on: pool).isEmpty }
        let delivery = claimed.delivery
        let action: [PostgresParameter] = [
            .uuid(delivery.triggerID), .int4(delivery.triggerVersion), .int2(Int16(clamping: delivery.actionIndex)),
            .uuid(delivery.organizationID), .text(reason),
        ]
        return try await pool.withTransaction { connection in
            guard try await !finish([ended], on: connection).isEmpty else { return false }
            _ = try await connection.query(DeliveryMoves.disable, action)
            _ = try await connection.query(DeliveryMoves.cancelOfAction, action)
            return true
        }
    }

    /// Ends the attempt and appends the event in one transaction, so that the event is in the log exactly once if the
    /// delivery succeeded, and not at all if the lease was gone.
    private func finish(
        _ ended: EndedAttempt, appending envelope: EventEnvelope, organizationID: UniqueID
    ) async throws -> Bool {
        let isFinished = try await pool.withTransaction { connection in
            guard try await !finish([ended], on: connection).isEmpty else { return false }
            let now = Timestamp.now()
            let event = NewEvent(id: .generate(at: now), receivedAt: now, envelope: envelope)
            // Last, because the head of the log's part stays locked from here to the commit.
            try await DerivedEvents().append([(organizationID, event)], on: connection)
            return true
        }
        if isFinished { await AppendHint(pool: pool).send() }
        return isFinished
    }

    /// Notes how many parts of a delivery's message have arrived, so that no later attempt sends them again.
    ///
    /// - Returns: false when the lease is no longer the delivery's.
    public func noteParts(_ count: Int, of lease: DeliveryLease) async throws -> Bool {
        let rows = try await pool.query(
            DeliveryMoves.noteParts,
            [
                .timestamp(lease.deliveryID.creationTime), .uuid(lease.deliveryID), .uuid(lease.token),
                .int2(Int16(clamping: count)),
            ])
        return rows.affectedRows > 0
    }

    /// Gives claimed deliveries back unattempted: their attempt is not counted, and they are due after their delay.
    public func putOff(_ deliveries: [PutOffDelivery]) async throws {
        guard !deliveries.isEmpty else { return }
        _ = try await pool.query(
            DeliveryMoves.putOff,
            [
                .uuids(deliveries.map(\.lease.deliveryID)),
                .timestamps(deliveries.map(\.lease.deliveryID.creationTime)), .uuids(deliveries.map(\.lease.token)),
                .int8s(deliveries.map(\.delayMicroseconds)), .texts(deliveries.map(\.cause.rawValue)),
                .texts(deliveries.map(\.reason)),
            ])
    }

    private func finish(_ ended: [EndedAttempt], on session: any PostgresSession) async throws -> Set<UniqueID> {
        let times = ended.map(\.lease.deliveryID.creationTime)
        guard let first = times.min(), let last = times.max() else { return [] }
        let results = ended.map(\.record.result)
        let rows = try await session.query(
            DeliveryMoves.finish,
            [
                .timestamp(first), .timestamp(last), .uuids(ended.map(\.lease.deliveryID)), .timestamps(times),
                .uuids(ended.map(\.lease.token)), .texts(ended.map(\.outcome.status.rawValue)),
                .int8s(ended.map(\.outcome.delayMicroseconds)), .texts(ended.map(\.outcome.reason)),
                .int4s(results.map { Int32(clamping: $0.durationMicroseconds / 1_000) }),
                .int4s(results.map { $0.statusCode.map { Int32(clamping: $0) } }), .texts(results.map(\.error)),
                .texts(ended.map(\.record.request)), .texts(results.map(\.responseExcerpt)),
                .jsonbs(results.map(\.details.json)), .texts(ended.map(\.outcome.nextAttemptReason)),
            ])
        return try Set(rows.map { try $0.decode(0, as: UniqueID.self) })
    }
}
