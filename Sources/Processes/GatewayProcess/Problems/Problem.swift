import HTTPTypes
import JSONTree

/// An error as the client sees it: problem details (RFC 9457).
struct Problem: Error {
    let kind: ProblemKind
    /// What is wrong with this request, one sentence.
    let detail: String
    /// Where validation found what; empty for other problems.
    let errors: [JSONProblem]
    /// Further members of the body, in order.
    let members: [(name: String, value: Member)]
    /// Headers beside the content type.
    let headers: HTTPFields

    enum Member {
        case text(String)
        case number(Int)
    }

    init(
        _ kind: ProblemKind, _ detail: String, errors: [JSONProblem] = [],
        members: [(name: String, value: Member)] = [], headers: HTTPFields = [:]
    ) {
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.members = members
        self.headers = headers
    }

    /// The members of the body of an answer.
    func write(to body: inout JSONWriter, requestID: String) {
        write(to: &body)
        body.member("request_id", requestID)
    }

    /// The members of the object that an item of a batch has.
    func write(to body: inout JSONWriter) {
        body.member("type", kind.uri)
        body.member("title", kind.title)
        body.member("status", kind.status.code)
        body.member("detail", detail)
        for (name, value) in members {
            switch value {
            case .text(let text): body.member(name, text)
            case .number(let number): body.member(name, number)
            }
        }
        guard !errors.isEmpty else { return }
        body.key("errors")
        body.array { list in
            for error in errors {
                list.object {
                    $0.member("pointer", error.pointer)
                    $0.member("detail", error.detail)
                }
            }
        }
    }
}

extension Problem {
    /// Text that is no JSON, or none that is accepted: what and where.
    init(_ error: JSONError) {
        self.init(
            .malformedJSON, "the body can't be read as JSON: \(error.description)",
            members: [("code", .text(error.code.rawValue)), ("offset", .number(error.offset))])
    }

    /// JSON that is fine as JSON, with members that are not what they must be.
    init(_ error: JSONValidationError) {
        let first = error.problems.first
        let detail =
            switch error.problems.count {
            case 1: Self.sentence(error.problems[0])
            case let count: "\(count) problems; the first: \(first.map(Self.sentence) ?? "unknown")"
            }
        self.init(.validationFailed, detail, errors: error.problems)
    }

    private static func sentence(_ problem: JSONProblem) -> String {
        problem.pointer.isEmpty ? problem.detail : "\(problem.pointer): \(problem.detail)"
    }

    /// - Parameter errors: What is wrong inside the parameter, where its value has an inside.
    static func invalidParameter(_ name: String, _ detail: String, errors: [JSONProblem] = []) -> Problem {
        Problem(.invalidParameter, "\(name): \(detail)", errors: errors, members: [("parameter", .text(name))])
    }

    static func notFound(_ what: String) -> Problem {
        Problem(.notFound, "there is no \(what)")
    }
}
