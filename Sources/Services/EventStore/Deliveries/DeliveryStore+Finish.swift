import ActionModel
import EventModel
import PostgresWire

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

/// What the log of attempts keeps of one.
public struct AttemptRecord: Sendable {
    /// How it went.
    public let result: AttemptResult
    /// The beginning of the request, without secrets.
    public let request: String?
    /// Set when nothing was attempted, because the receiver takes no more for now.
    public let putOff: ReceiverLimit?

    /// Makes a record.
    public init(_ result: AttemptResult, request: String? = nil, putOff: ReceiverLimit? = nil) {
        self.result = result
        self.request = request
        self.putOff = putOff
    }

    /// An attempt that came to nothing before anything was sent.
    static func notSent(_ reason: String) -> AttemptRecord {
        AttemptRecord(AttemptResult(failure: .invalidRequest, error: reason, durationMicroseconds: 0))
    }
}

extension DeliveryStore {
    /// Ends an attempt: moves the delivery and logs the attempt, in one statement.
    ///
    /// - Returns: false, and nothing has changed, when the lease is no longer the delivery's: it ran out, and somebody
    ///   else has the delivery or has finished it.
    @discardableResult
    public func finish(
        _ lease: DeliveryLease, _ outcome: DeliveryOutcome, after attempt: AttemptRecord
    ) async throws -> Bool {
        try await finish(lease, outcome, after: attempt, on: pool)
    }

    /// Ends an attempt of a claimed delivery; like ``finish(_:_:after:)``, but can disable the action too.
    @discardableResult
    public func finish(
        _ claimed: ClaimedDelivery, _ outcome: DeliveryOutcome, after attempt: AttemptRecord
    ) async throws -> Bool {
        guard case .disabled(let reason) = outcome else {
            return try await finish(claimed.lease, outcome, after: attempt, on: pool)
        }
        let delivery = claimed.delivery
        let action: [PostgresParameter] = [
            .uuid(delivery.triggerID), .int4(delivery.triggerVersion), .int2(Int16(clamping: delivery.actionIndex)),
            .uuid(delivery.organizationID), .text(reason),
        ]
        return try await pool.withTransaction { connection in
            guard try await finish(claimed.lease, outcome, after: attempt, on: connection) else { return false }
            _ = try await connection.query(DeliveryMoves.disable, action)
            _ = try await connection.query(DeliveryMoves.cancelOfAction, action)
            return true
        }
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

    private func finish(
        _ lease: DeliveryLease, _ outcome: DeliveryOutcome, after attempt: AttemptRecord,
        on session: any PostgresSession
    ) async throws -> Bool {
        let result = attempt.result
        let rows = try await session.query(
            DeliveryMoves.finish,
            [
                .timestamp(lease.deliveryID.creationTime), .uuid(lease.deliveryID), .uuid(lease.token),
                .text(outcome.status.rawValue), .int8(outcome.delayMicroseconds), .optional(outcome.reason),
                .int4(Int32(clamping: result.durationMicroseconds / 1_000)),
                result.statusCode.map { .int4(Int32(clamping: $0)) } ?? .null, .optional(result.error),
                .optional(attempt.request), .text(result.responseExcerpt), .optional(json: result.details.json),
                .optional(outcome.nextAttemptReason),
            ])
        return rows.affectedRows > 0
    }
}
