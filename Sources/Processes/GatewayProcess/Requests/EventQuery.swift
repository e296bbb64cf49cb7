import EventModel
import EventStore
import JSONTree
import TriggerEngine

/// The parameters by which every route over events narrows them: `type subject source from to q filter`.
struct EventQuery {
    /// The parameters it reads; a route adds its own.
    static let names: Set<String> = ["type", "subject", "source", "from", "to", "q", "filter"]
    /// Longest `filter` and `q`, in bytes once decoded.
    static let maximumBytes = 8 * 1_024

    /// What they ask for.
    let filter: EventFilter

    /// Reads the parameters.
    ///
    /// - Throws: a problem that names the parameter; for `filter` also the pointers into it.
    init(_ query: QueryParameters) throws {
        filter = EventFilter(
            type: try query.text("type"), subject: try query.text("subject"), source: try query.text("source"),
            from: try query.time("from"), to: try query.time("to"), text: try Self.text(query),
            condition: try Self.condition(query))
        if let from = filter.from, let to = filter.to, to < from {
            throw Problem.invalidParameter("to", "must not be before from")
        }
    }

    private static func text(_ query: QueryParameters) throws -> TextQuery? {
        guard let text = try bounded("q", in: query) else { return nil }
        do throws(JSONValidationError) {
            return try TextQuery(text)
        } catch {
            throw Problem.invalidParameter("q", error.description)
        }
    }

    private static func condition(_ query: QueryParameters) throws -> Condition? {
        guard let text = try bounded("filter", in: query) else { return nil }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONDocument(text).root
        } catch {
            throw Problem.invalidParameter("filter", "can't be read as JSON: \(error)")
        }
        do throws(JSONValidationError) {
            return try Condition(value, pointer: "")
        } catch {
            throw Problem.invalidParameter("filter", error.description, errors: error.problems)
        }
    }

    private static func bounded(_ name: String, in query: QueryParameters) throws -> String? {
        guard let text = try query.text(name) else { return nil }
        guard text.utf8.count <= maximumBytes else {
            throw Problem.invalidParameter(name, "must not be longer than \(maximumBytes) bytes")
        }
        return text
    }
}
