import Compression
import EventModel
import EventStore
import Hummingbird
import JSONTree
import Logging

/// NDJSON: events are read and stored while the body still comes in.
extension EventIntake {
    /// Events of a commit: as many as one takes, so that its own cost is small beside its rows.
    private static let eventsPerSlice = 1_000

    /// Stores each line, and answers for each. The body is never held as a whole, and not read from the connection
    /// while a part of it is being stored.
    ///
    /// When it can't be read to its end (it is over the limit, or damaged), the problem says how many events had been
    /// stored by then; sent again, those that have ids are recognised.
    func storeLines(
        of request: Request, _ key: String?, _ organization: UniqueID, _ context: GatewayContext
    ) async throws -> Response {
        var batch = EventBatch(idempotencyKey: key)
        do {
            var lines = LineSplitter(limit: BodyLimit.events.single)
            try await request.readPieces(upTo: BodyLimit.events.batch, context: context) { piece in
                try lines.append(piece) { try Self.add($0, to: &batch) }
                if batch.sliceCount >= Self.eventsPerSlice { try await store(&batch, organization, context) }
            }
            try lines.finish { try Self.add($0, to: &batch) }
            try await store(&batch, organization, context)
        } catch {
            batch.count(in: metrics)
            throw Self.interrupted(error, batch)
        }
        batch.count(in: metrics)
        return .json { batch.write(to: &$0) }
    }

    /// Stores what has been read. What the log refuses is refused item by item, but as a whole when nothing of the
    /// request is stored yet.
    private func store(_ batch: inout EventBatch, _ organization: UniqueID, _ context: GatewayContext) async throws {
        let slice = batch.takeSlice()
        do {
            batch.complete(slice, with: try await log.append(slice.events, organizationID: organization))
        } catch {
            guard batch.hasStored else { throw error }
            let told = EventStoreError(explaining: error) ?? EventStoreError(.unexpected, "\(error)")
            batch.complete(slice, failedBy: Problem(told, logger: context.logger))
        }
    }

    private static func add(_ line: LineSplitter.Line, to batch: inout EventBatch) throws {
        try batch.add { pointer in
            guard case .text(let bytes) = line else { throw tooLong(pointer) }
            return try EventEnvelope(JSONDocument(bytes).root, pointer: pointer)
        }
    }

    /// The problem of a body that broke off, with what became of its beginning.
    private static func interrupted(_ error: any Error, _ batch: EventBatch) -> any Error {
        guard let problem = error as? Problem ?? (error as? GzipError).map({ Problem($0) }) else { return error }
        let tally = batch.tally
        return Problem(
            problem.kind, problem.detail, errors: problem.errors,
            members: problem.members + [
                ("accepted", .number(tally.accepted)), ("duplicates", .number(tally.duplicates)),
            ],
            headers: problem.headers)
    }
}
