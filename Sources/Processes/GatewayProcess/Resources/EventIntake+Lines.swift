import EventModel
import EventStore
import Hummingbird
import JSONTree
import Logging

/// NDJSON: events are read and stored while the body still comes in.
extension EventIntake {
    /// Stores each line, and answers for each. The body is never held as a whole, and not read from the connection
    /// while a slice of it is being stored.
    ///
    /// Slices are stored one after the other, and nothing is stored after one that failed: what is stored is always
    /// the beginning. When the body can't be read to its end (it is over a limit, or damaged), the problem says how far
    /// that goes; sent again, events that have ids are recognised.
    func storeLines(
        of request: Request, _ given: EventDefaults, _ organization: UniqueID, _ context: GatewayContext
    ) async throws -> Response {
        var lines = LineStore(
            log: log, events: events, organization: organization, given: given, logger: context.logger)
        do {
            var splitter = LineSplitter(limit: BodyLimit.events.single)
            try await request.readPieces(upTo: BodyLimit.events.batch, context: context) { piece in
                try splitter.append(piece) { try lines.add($0) }
                if lines.batch.isSliceFull { try await lines.storeSlice() }
            }
            try splitter.finish { try lines.add($0) }
            try await lines.storeSlice()
        } catch {
            lines.batch.count(in: metrics)
            throw Problem(explaining: error, logger: context.logger).afterStoring(lines.batch)
        }
        lines.batch.count(in: metrics)
        return .json { lines.batch.write(to: &$0) }
    }
}

/// Stores the lines of one request.
private struct LineStore {
    let log: GroupCommit
    let events: EventReader
    let organization: UniqueID
    let logger: Logger
    private(set) var batch: EventBatch
    /// Why a slice was not stored.
    private var failure: Problem?

    init(log: GroupCommit, events: EventReader, organization: UniqueID, given: EventDefaults, logger: Logger) {
        self.log = log
        self.events = events
        self.organization = organization
        self.logger = logger
        batch = EventBatch(given)
    }

    mutating func add(_ line: LineSplitter.Line) throws {
        try batch.add { pointer in
            guard case .text(let bytes) = line else { throw EventIntake.tooLong(pointer) }
            return try EventEnvelope(JSONDocument(bytes).root, pointer: pointer)
        }
    }

    /// Stores what has been read. What the log refuses is refused item by item, with all that follows; but the request
    /// is refused as a whole when nothing of it is stored yet.
    mutating func storeSlice() async throws {
        if let failure { return batch.complete(batch.takeSlice(), failedBy: failure) }
        let slice = try await batch.takeSlice(events, organization)
        do {
            batch.complete(slice, with: try await log.append(slice.events, organizationID: organization))
        } catch {
            guard batch.hasStored else { throw error }
            let problem = Problem(explaining: error, logger: logger)
            failure = problem
            batch.complete(slice, failedBy: problem)
        }
    }
}

extension Problem {
    /// The same problem of a body that broke off, with what became of its beginning.
    fileprivate func afterStoring(_ batch: EventBatch) -> Problem {
        let tally = batch.tally
        return Problem(
            kind, detail, errors: errors,
            members: members + [
                ("accepted", .number(tally.accepted)), ("duplicates", .number(tally.duplicates)),
                ("settled", .number(batch.settled)),
            ],
            headers: headers)
    }
}
