import EventStore

/// What a stream is narrowed to.
struct StreamFilter: Sendable {
    /// The parameters it reads.
    static let names: Set<String> = ["type", "subject", "source", "q", "filter"]

    /// The parameters as they were given: streams of the same text share what was worked out for one of them.
    let name: String
    let filter: EventFilter
    /// Whether every event passes.
    let isOpen: Bool

    init(_ query: QueryParameters) throws {
        filter = try EventQuery(query).filter
        let parameters = try Self.names.sorted().map { try query.text($0) }
        // With its length before it, no text can be taken for two.
        name = parameters.map { $0.map { "\($0.utf8.count):\($0)" } ?? "-" }.joined()
        isOpen = parameters.allSatisfy { $0 == nil }
    }

    /// What is looked at before the stream is woken: the members alone, which is quick.
    var interest: LiveInterest<StreamBatch> {
        LiveInterest(name: name, type: filter.type) { [filter] in $0.mayPass(filter) }
    }
}
