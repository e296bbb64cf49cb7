import EventStore
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// What belongs to one request on its way through the middleware to its handler.
struct GatewayContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The connection, for deadlines of the request.
    let channel: any Channel
    let body = BodyProgress()
    /// Longest time that the body may take from its first byte to its last.
    var bodyTimeout = ConnectionTimeouts().body
    /// Id of the request in the answer and in the logs.
    var requestID = ""
    /// Where the request comes from; empty when that is not known. There after ``ClientAddress``.
    var address = ""
    /// Who asks; there after authentication.
    var caller: Principal?
    /// Where it is written down what they change; there when the caller is.
    var audit: AuditStore?

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }

    /// Who asks.
    ///
    /// - Throws: A problem when the route was registered without a scope, which is an error of ours.
    func authenticated() throws -> Principal {
        guard let caller else { throw Problem(.internalError, "the route has no authentication") }
        return caller
    }
}

/// Whether the body of a request was read to its end.
///
/// An answer given before that leaves bytes on the connection, which then can't serve another request soon.
final class BodyProgress: Sendable {
    private let complete = Atomic<Bool>(false)

    var isComplete: Bool { complete.load(ordering: .relaxed) }

    func finish() { complete.store(true, ordering: .relaxed) }
}
