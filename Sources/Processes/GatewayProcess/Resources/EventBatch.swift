import EventModel
import EventStore
import JSONTree
import Runtime

/// Many events of one request: each is judged by itself, and good ones are stored although others are bad.
struct EventBatch {
    /// Most events of a request.
    static let maximumItems = 10_000

    private enum Verdict {
        case waiting
        case stored(UniqueID)
        case duplicate(UniqueID)
        case rejected(Problem)
    }

    /// Events that are to be stored together, and which items of the batch they are.
    struct Slice: Sendable {
        fileprivate(set) var events: [NewEvent] = []
        fileprivate var items: [Int] = []
        fileprivate var bytes = 0
    }

    /// Events of a slice: as many as one commit takes, so that its own cost is small beside its rows.
    private static let eventsPerSlice = 1_000
    /// Bytes of data in a slice, for the memory that a request holds.
    private static let bytesPerSlice = 1 << 20

    private let given: EventDefaults
    private let receivedAt = Timestamp.now()
    private var verdicts: [Verdict] = []
    private var slice = Slice()

    /// - Parameter given: its id gives items without one the id `id/index`.
    init(_ given: EventDefaults) {
        self.given = given
    }

    /// Whether enough waits for ``takeSlice()`` to be stored now.
    var isSliceFull: Bool { slice.events.count >= Self.eventsPerSlice || slice.bytes >= Self.bytesPerSlice }

    /// Whether something was stored, or recognised as stored.
    var hasStored: Bool {
        let tally = tally
        return tally.accepted + tally.duplicates > 0
    }

    /// How many items from the first on have been stored or refused.
    var settled: Int {
        verdicts.firstIndex { if case .waiting = $0 { true } else { false } } ?? verdicts.count
    }

    /// Adds the next item.
    ///
    /// - Parameter read: makes an event of it; what it throws is the item's problem.
    /// - Throws: `validation-failed` when there are too many.
    mutating func add(_ read: (_ pointer: String) throws -> EventEnvelope) throws {
        let index = verdicts.count
        guard index < Self.maximumItems else {
            throw Problem(
                JSONValidationError(pointer: "", detail: "there are more than \(Self.maximumItems) events"))
        }
        do {
            let envelope = try read("/\(index)").orID(given.id.map { "\($0)/\(index)" })
                .orTrace(given.traceparent)
            slice.events.append(NewEvent(envelope, receivedAt: receivedAt))
            slice.items.append(index)
            slice.bytes += envelope.data.count
            verdicts.append(.waiting)
        } catch let error as JSONError {
            verdicts.append(.rejected(Problem(error)))
        } catch let error as JSONValidationError {
            verdicts.append(.rejected(Problem(error)))
        }
    }

    /// The events that are to be stored next.
    mutating func takeSlice() -> Slice {
        defer { slice = Slice() }
        return slice
    }

    /// The same, with the causes that its events name looked up; an item whose cause is none is rejected.
    mutating func takeSlice(_ reader: EventReader, _ organization: UniqueID) async throws -> Slice {
        let taken = takeSlice()
        let causes = Set(taken.events.compactMap(\.envelope.cause))
        guard !causes.isEmpty else { return taken }
        let known = try await reader.events(Array(causes), organizationID: organization)
        var slice = Slice(bytes: taken.bytes)
        for (event, item) in zip(taken.events, taken.items) {
            guard let cause = event.envelope.cause else {
                slice.events.append(event)
                slice.items.append(item)
                continue
            }
            do {
                let envelope = try event.envelope.following(known[cause], pointer: "/\(item)")
                slice.events.append(NewEvent(id: event.id, receivedAt: event.receivedAt, envelope: envelope))
                slice.items.append(item)
            } catch {
                verdicts[item] = .rejected(Problem(error))
            }
        }
        return slice
    }

    /// Takes what the log said about a slice.
    mutating func complete(_ slice: Slice, with outcomes: [AppendOutcome]) {
        for (item, outcome) in zip(slice.items, outcomes) {
            switch outcome {
            case .stored(let id, _): verdicts[item] = .stored(id)
            case .duplicate(let id, _): verdicts[item] = .duplicate(id)
            case .conflict(let id): verdicts[item] = .rejected(.idReused(id))
            }
        }
    }

    /// Notes that a slice was not stored.
    mutating func complete(_ slice: Slice, failedBy problem: Problem) {
        for item in slice.items { verdicts[item] = .rejected(problem) }
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
        for case .rejected(let problem) in verdicts { metrics.refused(problem.kind) }
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
}
