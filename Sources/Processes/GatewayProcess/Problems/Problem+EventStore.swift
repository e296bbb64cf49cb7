import EventStore
import HTTPTypes
import Logging

extension Problem {
    /// What an error of the store means to a client; what it says in detail is for the log only.
    init(_ error: EventStoreError, logger: Logger) {
        switch error.code {
        case .absent:
            self.init(.notFound, error.message)
        case .conflict:
            self.init(.conflict, error.message)
        case .stale:
            self.init(.preconditionFailed, error.message)
        case .invalidCursor:
            self = .invalidParameter("cursor", "is not a cursor that this list gave")
        case .overloaded:
            self.init(
                .overloaded, "more events wait to be stored than the log keeps up with; send again later",
                headers: [.retryAfter: "1"])
        case .unavailable:
            logger.warning("store.unavailable", metadata: ["error": "\(error)"])
            self.init(.unavailable, "the database can't be reached; send again later", headers: [.retryAfter: "2"])
        case .timedOut:
            logger.warning("store.timed-out", metadata: ["error": "\(error)"])
            self.init(.queryTimeout, "this takes longer to answer than is allowed; narrow it by type, from and to")
        case .migration, .sealed, .unexpected:
            logger.error("store.failed", metadata: ["error": "\(error)"])
            self.init(.internalError, "the request failed for a reason that is ours; it was logged")
        }
    }
}
