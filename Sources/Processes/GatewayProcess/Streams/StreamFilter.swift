import EventStore

/// What a stream is narrowed to.
struct StreamFilter: Sendable {
    /// The parameters it reads.
    static let names: Set<String> = ["type", "subject", "source", "q", "filter"]

    /// The parameters as they were given: streams of the same text share what was worked out for one of them.
    struct Key: Hashable {
        let parameters: [String?]
    }

    let key: Key
    let filter: EventFilter
    /// Whether every event passes.
    let isOpen: Bool

    init(_ query: QueryParameters) throws {
        filter = try EventQuery(query).filter
        key = Key(parameters: try Self.names.sorted().map { try query.text($0) })
        isOpen = key.parameters.allSatisfy { $0 == nil }
    }
}
