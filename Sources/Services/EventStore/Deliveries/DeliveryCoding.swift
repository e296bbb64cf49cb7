import ActionModel
import EventModel
import JSONTree
import PostgresWire

/// Deliveries as rows.
enum DeliveryCoding {
    /// The delivery in the columns of ``DeliveryStatements/columns``, the first of which is number `first`.
    static func delivery(_ row: PostgresRow, from first: Int = 0) throws -> Delivery {
        try Delivery(
            id: row.decode(first), organizationID: row.decode(first + 1), firingID: row.decode(first + 2),
            triggerID: row.decode(first + 3), triggerVersion: row.decode(first + 4), eventID: row.decode(first + 5),
            eventReceivedAt: row.decode(first + 6), actionIndex: row.decode(first + 7), kind: kind(row, first + 8),
            status: status(row, first + 9), attempt: row.decode(first + 10), maxAttempts: row.decode(first + 11),
            runAt: row.decode(first + 12), lastError: row.decodeIfPresent(first + 13),
            createdAt: row.decode(first + 14), finishedAt: row.decodeIfPresent(first + 15),
            endpoint: row.decodeIfPresent(first + 16),
            putOff: row.decodeIfPresent(first + 17, as: String.self).flatMap { PutOffCause(rawValue: $0) },
            nextAttemptReason: row.decodeIfPresent(first + 18), partsSent: row.decode(first + 19),
            replayOf: row.decodeIfPresent(first + 20), replayedAs: row.decodeIfPresent(first + 21),
            replayID: row.decodeIfPresent(first + 22))
    }

    /// Where the columns begin that a claim adds to the event's and the delivery's: the token, then the state, the wait
    /// and the watch of the breaker.
    private static let claimColumns = EventRows.columnCount + DeliveryStatements.columnCount

    /// The delivery, its lease, and its endpoint's breaker, in a row of a claim.
    static func claim(_ row: PostgresRow) throws -> (Delivery, DeliveryLease, BreakerReading) {
        let delivery = try delivery(row, from: EventRows.columnCount)
        let lease = try DeliveryLease(deliveryID: delivery.id, token: row.decode(claimColumns))
        return (delivery, lease, try breaker(row))
    }

    /// What a claimed delivery tells its receiver.
    ///
    /// - Returns: nil when the event is no longer stored.
    static func firing(of delivery: Delivery, triggerName: String, _ row: PostgresRow) throws -> Firing? {
        guard try row.decodeIfPresent(0, as: UniqueID.self) != nil else { return nil }
        return try Firing(
            id: delivery.firingID, triggerID: delivery.triggerID, triggerName: triggerName,
            triggerVersion: delivery.triggerVersion, firedAt: delivery.firingID.creationTime,
            event: ParsedEvent(EventRows.event(row)))
    }

    private static func breaker(_ row: PostgresRow) throws -> BreakerReading {
        let first = claimColumns + 1
        guard try row.decodeIfPresent(first, as: String.self) != nil else { return .closed }
        return try BreakerReading(
            state: BreakerStore.state(row, first), waitMicroseconds: row.decodeIfPresent(first + 1),
            watchMicroseconds: row.decodeIfPresent(first + 2) ?? 0)
    }

    static func attempt(_ row: PostgresRow) throws -> DeliveryAttempt {
        try DeliveryAttempt(
            number: row.decode(0), startedAt: row.decode(1), durationMilliseconds: row.decode(2),
            statusCode: row.decodeIfPresent(3), error: row.decodeIfPresent(4), request: row.decodeIfPresent(5),
            response: row.decodeIfPresent(6), details: row.decodeIfPresent(7, as: PostgresJSON.self)?.bytes,
            nextAttemptAt: row.decodeIfPresent(8), nextAttemptReason: row.decodeIfPresent(9))
    }

    static func ready(_ rows: PostgresRows) throws -> [ReadyDelivery] {
        try rows.map { try ReadyDelivery(id: $0.decode(0), kind: kind($0, 1)) }
    }

    static func kind(_ row: PostgresRow, _ column: Int) throws -> ActionKind {
        try known(row.decode(column), "action type")
    }

    static func status(_ row: PostgresRow, _ column: Int) throws -> DeliveryStatus {
        try known(row.decode(column), "status")
    }

    private static func known<T: RawRepresentable<String>>(_ text: String, _ what: String) throws -> T {
        guard let value = T(rawValue: text) else {
            throw EventStoreError(.unexpected, "“\(text)” is no \(what) of a delivery")
        }
        return value
    }
}
