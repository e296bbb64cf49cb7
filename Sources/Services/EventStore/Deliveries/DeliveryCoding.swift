import ActionModel
import EventModel
import JSONTree
import PostgresWire

/// Deliveries as rows.
enum DeliveryCoding {
    /// The delivery in a row of ``DeliveryStatements/columns``.
    static func delivery(_ row: PostgresRow) throws -> Delivery {
        try Delivery(
            id: row.decode(0), organizationID: row.decode(1), firingID: row.decode(2), triggerID: row.decode(3),
            triggerVersion: row.decode(4), eventID: row.decode(5), eventReceivedAt: row.decode(6),
            actionIndex: row.decode(7), kind: kind(row, 8), status: status(row, 9), attempt: row.decode(10),
            maxAttempts: row.decode(11), runAt: row.decode(12), lastError: row.decodeIfPresent(13),
            createdAt: row.decode(14), finishedAt: row.decodeIfPresent(15))
    }

    /// The delivery, its lease, and its work, in a row of a claim.
    static func claim(_ row: PostgresRow) throws -> (Delivery, DeliveryLease, Work) {
        let delivery = try delivery(row)
        let lease = try DeliveryLease(deliveryID: delivery.id, token: row.decode(16))
        return (delivery, lease, work(of: delivery, row))
    }

    /// What an attempt needs, or why there can be none.
    enum Work {
        case possible(ActionDefinition, Firing)
        case impossible(reason: String)
    }

    private static func work(of delivery: Delivery, _ row: PostgresRow) -> Work {
        do {
            guard try row.decodeIfPresent(19, as: UniqueID.self) != nil else {
                return .impossible(reason: "the event is no longer stored")
            }
            guard let name = try row.decodeIfPresent(17, as: String.self),
                let action = try row.decodeIfPresent(18, as: PostgresJSON.self)
            else { return .impossible(reason: "the trigger's version has no such action") }
            let definition = try ActionDefinition(
                JSONDocument(action.bytes).root, pointer: "/actions/\(delivery.actionIndex)")
            let firing = try Firing(
                id: delivery.firingID, triggerID: delivery.triggerID, triggerName: name,
                triggerVersion: delivery.triggerVersion, firedAt: delivery.firingID.creationTime,
                event: ParsedEvent(EventRows.event(row, from: 19)))
            return .possible(definition, firing)
        } catch {
            return .impossible(reason: "what is stored can't be read: \(error)")
        }
    }

    static func attempt(_ row: PostgresRow) throws -> DeliveryAttempt {
        try DeliveryAttempt(
            number: row.decode(0), startedAt: row.decode(1), durationMilliseconds: row.decode(2),
            statusCode: row.decodeIfPresent(3), error: row.decodeIfPresent(4), request: row.decodeIfPresent(5),
            response: row.decodeIfPresent(6))
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
