import EventModel
import EventStore
import JSONTree
import PostgresWire
import Runtime
import TestKit
import TriggerEngine

/// A log of made-up events of two organizations in one part, and what was put into it.
struct SearchFixture: Sendable {
    let stores: StoreFixture
    let other: UniqueID
    /// In log order, per organization.
    var logs: [UniqueID: [ParsedEvent]] = [:]

    var indexer: SearchIndexer { SearchIndexer(pool: stores.pipeline, after: nil) }

    /// Every event that passes, in the order of the list, by looking at each.
    func expected(_ filter: EventFilter, _ order: EventOrder, of organization: UniqueID) -> [UniqueID] {
        let passing = (logs[organization] ?? []).filter { filter.matches($0) }.map(\.event.id)
        return order == .ascending ? passing : passing.reversed()
    }

    /// Follows the cursors of a list to its end.
    func list(
        _ reader: EventReader, _ filter: EventFilter, _ order: EventOrder, limit: Int, of organization: UniqueID
    ) async throws -> (ids: [UniqueID], pages: Int) {
        var ids: [UniqueID] = []
        var cursor: UniqueID?
        var pages = 0
        while true {
            let page = try await reader.list(
                organizationID: organization, filter: filter, order: order, limit: limit, after: cursor?.description)
            ids += page.events.map(\.id)
            pages += 1
            // Oldest first goes on for ever; its end is a page that has passed nothing.
            guard let next = page.nextCursor, next != cursor, pages < 10_000 else { return (ids, pages) }
            cursor = next
        }
    }

    /// Reads the log back, as it was stored.
    mutating func load() async throws {
        let reader = LogReader(pool: stores.pipeline)
        for event in try await reader.read(part: LogPart.part(of: other), after: 0, limit: 1_000_000) {
            logs[event.organizationID, default: []].append(try ParsedEvent(event))
        }
    }
}

/// Lends stores with a second organization in the same part of the log.
func withSearch<R>(_ body: (SearchFixture) async throws -> R) async throws -> R {
    try await withStores { stores in
        var other = UniqueID.generate()
        while LogPart.part(of: other) != LogPart.part(of: stores.organization) { other = .generate() }
        _ = try await stores.owner.query(
            PostgresStatement("test_other", "INSERT INTO organizations (id, name) VALUES ($1, $1::text)"),
            [.uuid(other)])
        let fixture = SearchFixture(stores: stores, other: other)
        try await fixture.indexer.enrol()
        return try await body(fixture)
    }
}

/// Runs a group commit beside the body.
func withGroupCommit<R>(_ pool: PostgresPool, _ body: (GroupCommit) async throws -> R) async throws -> R {
    let commit = GroupCommit(pool: pool, logger: testLogger)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await commit.run() }
        defer { group.cancelAll() }
        return try await body(commit)
    }
}

/// Makes events and filters out of so few values that they meet often, and some that are rare.
struct RandomSearch {
    var chance: SystemOfChance

    /// SplitMix64; a failing case is found again by its seed.
    struct SystemOfChance: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    private static let scalars = [
        "0", "1", "1.0", "-2.5", "0.1", "0.10000000000000001", "1e2", "9007199254740993", "9007199254740992.0",
        "18446744073709551615", "5.0000000000000000000001", "4.9999999999999999999999", "5", "true", "false", "null",
        #""""#, #""Red fox""#,
        #""red""#, #""blue \"fox\"""#, #""Größe""#, #""\u00e9""#, #""e\u0301""#,
    ]
    private static let numbers = ["0", "1", "-2.5", "0.1", "100", "9007199254740993", "5", "18446744073709551615"]

    init(seed: Int) { chance = SystemOfChance(state: UInt64(seed)) }

    mutating func pick<T>(_ values: [T]) -> T { values[Int.random(in: 0..<values.count, using: &chance)] }
    mutating func isRare(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &chance) == 0 }

    mutating func value() -> String {
        isRare(60) ? "\(Int.random(in: 1_000..<1_200, using: &chance))" : pick(Self.scalars)
    }

    mutating func event(at time: Timestamp) -> NewEvent {
        var members = ["f", "g", "odd \\\"key\\\""].compactMap { isRare(4) ? nil : "\"\($0)\":\(value())" }
        if isRare(3) { members.append("\"list\":[\(value()),\(value()),{\"x\":\(value())}]") }
        if isRare(5) { members.append("\"deep\":{\"f\":{\"g\":\(value())}}") }
        if isRare(200) { members.append("\"many\":[\((0..<300).map { "\($0 + 5_000)" }.joined(separator: ","))]") }
        if isRare(300) { members.append("\"rare\":\"needle in a haystack\"") }
        let type = isRare(100) ? "Rare" : pick(["A", "B", "C", "e\u{301}", "é"])
        return NewEvent(
            id: .generate(at: time), receivedAt: time,
            envelope: EventEnvelope(
                type: type, source: pick(["", "shop", "Shop floor"]),
                subject: isRare(3) ? nil : "s\(Int.random(in: 0..<40, using: &chance))", producerID: nil,
                data: Array("{\(members.joined(separator: ","))}".utf8)))
    }

    mutating func condition(depth: Int) -> String {
        let choice = depth == 0 ? 9 : Int.random(in: 0..<9, using: &chance)
        guard choice < 5 else { return leaf() }
        if choice == 4 { return #"{"not":\#(condition(depth: depth - 1))}"# }
        let parts = (0..<Int.random(in: 1..<4, using: &chance)).map { _ in condition(depth: depth - 1) }
        return #"{"\#(choice < 3 ? "all" : "any")":[\#(parts.joined(separator: ","))]}"#
    }

    private mutating func leaf() -> String {
        let name = pick([
            "eq", "eq", "eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in", "between", "contains", "starts_with",
            "ends_with", "exists", "is_type", "matches",
        ])
        let path = pick([
            "f", "g", #"[\"odd \\\"key\\\"\"]"#, "data.list[0]", "list", "list[2].x", "deep.f.g", "rare", "many[7]",
            "type", "subject", "source",
        ])
        return #"{"field":"\#(path)","operator":"\#(name)","value":\#(operand(name))}"#
    }

    private mutating func operand(_ name: String) -> String {
        switch name {
        case "gt", "gte", "lt", "lte": return pick(Self.numbers + [#""red""#])
        case "in", "not_in": return "[\((0..<2).map { _ in value() }.joined(separator: ",")),\"A\"]"
        case "between": return pick(["[0,1]", "[1000,1010]", "[5,5]", #"["a","s"]"#, "[0.1,0.1]"])
        case "starts_with", "ends_with": return pick([#""R""#, #""fox""#, #""A""#, #""blue \"""#])
        case "contains": return pick([value(), #""o""#])
        case "matches": return #""^[Rr]ed""#
        case "exists": return pick(["true", "false"])
        case "is_type": return pick([#""number""#, #""integer""#, #""string""#, #""array""#, #""null""#])
        default: return isRare(4) ? pick([#""A""#, #""Rare""#, #""s7""#, "5007"]) : value()
        }
    }

    mutating func filter(times: [Timestamp]) throws -> (filter: EventFilter, text: String) {
        var filter = EventFilter()
        var text: [String] = []
        func note(_ name: String, _ value: some CustomStringConvertible) { text.append("\(name)=\(value)") }
        if isRare(4) { filter.type = pick(["A", "Rare", "é", "none"]) }
        if isRare(4) { filter.subject = pick(["s3", "s39", "none"]) }
        if isRare(6) { filter.source = pick(["", "shop"]) }
        if isRare(4) { filter.from = pick(times) }
        if isRare(4) { filter.to = pick(times) }
        if isRare(4) {
            let query = pick(["fox", "RED", "needle", #""red fox""#, "größe", "shop", "needle s3", "absent", "floor b"])
            filter.text = try TextQuery(query)
            note("q", query)
        }
        if !isRare(3) {
            let condition = condition(depth: 2)
            filter.condition = try Condition(JSONDocument(condition).root, pointer: "")
            note("filter", condition)
        }
        for (name, value) in [("type", filter.type), ("subject", filter.subject), ("source", filter.source)] {
            if let value { note(name, value) }
        }
        if let from = filter.from { note("from", from) }
        if let to = filter.to { note("to", to) }
        return (filter, text.joined(separator: " "))
    }
}
