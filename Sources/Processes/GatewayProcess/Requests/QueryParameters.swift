import EventModel
import Hummingbird
import Runtime

/// The query of a request: each parameter once, none that the route does not know.
///
/// A misspelt filter that is ignored gives an answer to another question, so it is an error.
struct QueryParameters {
    private let values: [String: String]

    init(_ request: Request, knows names: Set<String>) throws {
        var values: [String: String] = [:]
        for pair in (request.uri.query ?? "").split(separator: "&") {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = halves[0].percentDecoded(plusIsSpace: true),
                let value = (halves.count == 2 ? halves[1] : "").percentDecoded(plusIsSpace: true)
            else { throw Problem(.malformedRequest, "the query is not percent-encoded UTF-8") }
            guard names.contains(name) else {
                let known = names.isEmpty ? "none" : names.sorted().joined(separator: ", ")
                throw Problem.invalidParameter(name, "there is no such parameter; this route takes \(known)")
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw Problem.invalidParameter(name, "is given twice")
            }
        }
        self.values = values
    }

    /// The text of a parameter; nil when it is absent.
    func text(_ name: String) throws -> String? {
        guard let value = values[name] else { return nil }
        guard !value.isEmpty, !value.utf8.contains(0) else { throw Problem.invalidParameter(name, "must not be empty") }
        return value
    }

    func time(_ name: String) throws -> Timestamp? {
        guard let value = try text(name) else { return nil }
        guard let time = Timestamp(rfc3339: value) else {
            throw Problem.invalidParameter(name, "must be an RFC 3339 time such as 2026-01-31T12:00:00Z")
        }
        return time
    }

    func uniqueID(_ name: String) throws -> UniqueID? {
        guard let value = try text(name) else { return nil }
        guard let id = UniqueID(value) else { throw Problem.invalidParameter(name, "must be a UUID") }
        return id
    }

    func choice<Choice: RawRepresentable & CaseIterable>(_ name: String, of type: Choice.Type) throws -> Choice?
    where Choice.RawValue == String {
        guard let value = try text(name) else { return nil }
        guard let choice = Choice(rawValue: value) else {
            let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw Problem.invalidParameter(name, "must be one of \(words)")
        }
        return choice
    }

    /// True or false; false when it is absent.
    func flag(_ name: String) throws -> Bool {
        switch try text(name) {
        case nil, "false": return false
        case "true": return true
        default: throw Problem.invalidParameter(name, "must be true or false")
        }
    }

    /// `limit` of a list.
    func limit() throws -> Int {
        guard let value = try text("limit") else { return 50 }
        guard let limit = Int(value), (1...1_000).contains(limit) else {
            throw Problem.invalidParameter("limit", "must be an integer from 1 to 1000")
        }
        return limit
    }
}
