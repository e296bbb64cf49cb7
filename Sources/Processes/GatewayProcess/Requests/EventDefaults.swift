import HTTPTypes
import Hummingbird

/// What a request's header fields say for those of its events that don't say it themselves.
struct EventDefaults: Sendable {
    /// The producer's id, from `Idempotency-Key`; in a batch the index of an item is added.
    let id: String?
    /// The trace that the request belongs to.
    let traceparent: String?

    init(_ request: Request) throws {
        traceparent = request.traceparent
        id = request.headers[.idempotencyKey]
        guard let id else { return }
        guard (1...200).contains(id.utf8.count), id.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else {
            throw Problem.invalidParameter("Idempotency-Key", "must be 1 to 200 printable ASCII characters")
        }
    }
}
