import EventModel
import EventStore
import JSONTree
import Runtime

/// An array of events: each item is judged by itself, and good items are stored although others are bad.
struct EventBatch {
    private enum Verdict {
        case waiting
        case stored(UniqueID)
        case duplicate(UniqueID)
        case rejected(Problem)
    }

    /// The items that are fit to be stored, in their order.
    private(set) var accepted: [NewEvent] = []
    private var verdicts: [Verdict] = []

    /// Checks every item; a key of the request gives items without id the id `key/index`.
    init(_ array: JSONValue, idempotencyKey: String?) {
        let receivedAt = Timestamp.now()
        verdicts.reserveCapacity(array.count)
        accepted.reserveCapacity(array.count)
        for (index, item) in array.elements.enumerated() {
            do {
                let envelope = try Self.envelope(item, pointer: "/\(index)")
                let id = idempotencyKey.map { "\($0)/\(index)" }
                accepted.append(NewEvent(envelope.orID(id), receivedAt: receivedAt))
                verdicts.append(.waiting)
            } catch {
                verdicts.append(.rejected(Problem(error)))
            }
        }
    }

    /// Takes what the log said about the accepted items, in their order.
    mutating func complete(with outcomes: [AppendOutcome]) {
        var rest = outcomes[...]
        for index in verdicts.indices {
            guard case .waiting = verdicts[index] else { continue }
            switch rest.popFirst() {
            case .stored(let id, _): verdicts[index] = .stored(id)
            case .duplicate(let id, _): verdicts[index] = .duplicate(id)
            case .conflict(let id): verdicts[index] = .rejected(.idReused(id))
            case nil: verdicts[index] = .rejected(Problem(.internalError, "the log gave no answer"))
            }
        }
    }

    /// How many items were accepted, duplicates, rejected.
    var tally: (accepted: Int, duplicates: Int, rejected: Int) {
        verdicts.reduce(into: (0, 0, 0)) { tally, verdict in
            switch verdict {
            case .stored: tally.0 += 1
            case .duplicate: tally.1 += 1
            case .rejected, .waiting: tally.2 += 1
            }
        }
    }

    func count(in metrics: GatewayMetrics) {
        let tally = tally
        metrics.posted(.accepted, count: tally.accepted)
        metrics.posted(.duplicate, count: tally.duplicates)
        metrics.posted(.rejected, count: tally.rejected)
    }

    /// The members of the answer.
    func write(to body: inout JSONWriter) {
        let tally = tally
        body.member("accepted", tally.accepted)
        body.member("duplicates", tally.duplicates)
        body.member("rejected", tally.rejected)
        body.key("results")
        body.array { results in
            for (index, verdict) in verdicts.enumerated() {
                results.object { result in
                    result.member("index", index)
                    Self.write(verdict, to: &result)
                }
            }
        }
    }

    private static func write(_ verdict: Verdict, to result: inout JSONWriter) {
        switch verdict {
        case .stored(let id):
            result.member("status", "accepted")
            result.member("id", id.description)
        case .duplicate(let id):
            result.member("status", "duplicate")
            result.member("id", id.description)
        case .rejected(let problem):
            result.member("status", "rejected")
            result.key("error")
            result.object { problem.write(to: &$0) }
        case .waiting:
            result.member("status", "rejected")
        }
    }

    private static func envelope(_ item: JSONValue, pointer: String) throws(JSONValidationError) -> EventEnvelope {
        guard item.source.count <= BodyLimit.events.single else {
            throw JSONValidationError(pointer: pointer, detail: "is over \(BodyLimit.events.single) bytes")
        }
        return try EventEnvelope(item, pointer: pointer)
    }
}
