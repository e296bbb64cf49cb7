import Compression
import EventModel
import EventStore
import Hummingbird
import JSONTree
import Logging

/// NDJSON: events are read and stored while the body still comes in.
extension EventIntake {
    /// Events of a commit. Large enough that a commit's own cost is small beside its rows.
    private static let eventsPerSlice = 500
    /// Commits of one request that may be under way; the connection is not read from while there are more.
    private static let slicesInFlight = 3

    private typealias Stored = (slice: EventBatch.Slice, result: Result<[AppendOutcome], any Error>)

    /// Stores each line, and answers for each. The body is never held as a whole.
    ///
    /// When it can't be read to its end (it is over the limit, or damaged), the problem says how many events had been
    /// stored by then; sent again, those that have ids are recognised.
    func storeLines(
        of request: Request, _ key: String?, _ organization: UniqueID, _ context: GatewayContext
    ) async throws -> Response {
        var batch = EventBatch(idempotencyKey: key)
        var failure: (any Error)?
        await withTaskGroup(of: Stored.self) { group in
            var underWay = 0
            func store(_ slice: EventBatch.Slice) async {
                if underWay == Self.slicesInFlight, let done = await group.next() {
                    complete(done, &batch, context)
                    underWay -= 1
                }
                underWay += 1
                group.addTask {
                    do {
                        return (slice, .success(try await log.append(slice.events, organizationID: organization)))
                    } catch {
                        return (slice, .failure(error))
                    }
                }
            }
            do {
                var lines = LineSplitter(limit: BodyLimit.events.single)
                try await request.readPieces(upTo: BodyLimit.events.batch, context: context) { piece in
                    try lines.append(piece) { try Self.add($0, to: &batch) }
                    if batch.sliceCount >= Self.eventsPerSlice { await store(batch.takeSlice()) }
                }
                try lines.finish { try Self.add($0, to: &batch) }
                if batch.sliceCount > 0 { await store(batch.takeSlice()) }
            } catch {
                failure = error
            }
            while let done = await group.next() { complete(done, &batch, context) }
        }
        batch.count(in: metrics)
        if let failure { throw Self.interrupted(failure, batch) }
        return .json { batch.write(to: &$0) }
    }

    private func complete(_ done: Stored, _ batch: inout EventBatch, _ context: GatewayContext) {
        switch done.result {
        case .success(let outcomes):
            batch.complete(done.slice, with: outcomes)
        case .failure(let error):
            let told = EventStoreError(explaining: error) ?? EventStoreError(.unexpected, "\(error)")
            batch.complete(done.slice, failedBy: Problem(told, logger: context.logger))
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
