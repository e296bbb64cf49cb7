import EventStore
import HTTPTypes
import JSONTree
import Logging
import Testing

@testable import GatewayProcess

@Suite("Problems")
struct ProblemTests {
    @Test func `a full log is 503 with Retry-After`() {
        let problem = Problem(EventStoreError(.overloaded, "20000 events wait"), logger: Logger(label: "tests"))
        #expect(problem.kind == .overloaded && problem.kind.status == .serviceUnavailable)
        #expect(problem.headers[.retryAfter] == "1")
    }

    @Test func `what fails for reasons of ours says nothing about them`() {
        let problem = Problem(EventStoreError(.unexpected, "column secret"), logger: Logger(label: "tests"))
        #expect(problem.kind == .internalError && !problem.detail.contains("secret"))
    }

    @Test(arguments: ProblemKind.allCases)
    func `every kind has a status of an error, a title and a URI`(kind: ProblemKind) {
        #expect((400..<600).contains(kind.status.code))
        #expect(!kind.title.isEmpty && kind.uri == "urn:collider:problem:\(kind.rawValue)")
    }

    @Test func `several problems of a body are all listed`() {
        let error = JSONValidationError([
            JSONProblem(pointer: "/type", detail: "is required"), JSONProblem(pointer: "/data", detail: "is required"),
        ])
        let problem = Problem(error)
        #expect(problem.errors.count == 2 && problem.detail == "2 problems; the first: /type: is required")
    }
}
