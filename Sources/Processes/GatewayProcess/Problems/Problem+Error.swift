import Compression
import EventStore
import Hummingbird
import Identity
import JSONTree
import Logging
import NIOHTTP1

extension Problem {
    /// What any error on the way to an answer means to a client; one that is ours is logged here.
    init(explaining error: any Error, logger: Logger) {
        switch error {
        case let problem as Problem: self = problem
        case let error as JSONError: self.init(error)
        case let error as JSONValidationError: self.init(error)
        case let error as GzipError: self.init(error)
        case HTTPParserError.invalidEOFState: self = .bodyBrokeOff
        case is HTTPParserError: self.init(.malformedRequest, "the body's framing can't be read as HTTP/1.1")
        case let error as HTTPError where error.status == .notFound:
            self.init(.notFound, "there is no such path; the API is under /api/v1")
        case let error as AccountError: self.init(error)
        default:
            if let error = EventStoreError(explaining: error) {
                self.init(error, logger: logger)
            } else {
                logger.error("request.failed", metadata: ["error": "\(error)"])
                self.init(.internalError, "the request failed for a reason that is ours; it was logged")
            }
        }
    }
}
