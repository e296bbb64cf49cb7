import EventModel
import PostgresWire
import TriggerEngine

/// One page of a list, found within one transaction.
///
/// The part of the log is two stretches. Behind the position of the indexer lies the *tail*, which is read event by
/// event; before it lie blocks. Of those
/// - an organization's own are walked one after the other, which fills the page soon when what is asked for is
///   frequent or nothing is asked for;
/// - after a thousand events, when the filter says anything about terms and at this rate the page would need many more,
///   the index is asked which blocks are worth reading, which finds what is rare.
///
/// Whichever way an event comes, the filter itself decides. So the index may lag, its hashes may collide, and the
/// answer is exact. `edge` is how far the search has come: everything between the cursor and the edge has been looked
/// at.
struct EventSearch {
    private static let firstWindow: Int64 = 256
    private static let largestWindow: Int64 = 4_096
    /// Most blocks of one read.
    private static let largestStride = 8
    /// About the most data of one read.
    private static let bytesPerRead = 8 << 20
    private static let mostRowsPerRead = 1_024

    let connection: PostgresConnection
    let organizationID: UniqueID
    let filter: EventFilter
    let order: EventOrder
    /// One more than the page holds.
    let limit: Int
    let budget: SearchBudget
    private let part: Int16
    private let requirement: TermRequirement
    private let jsonPaths: [String]
    private let deadline: ContinuousClock.Instant

    /// Passed the filter, in order.
    private(set) var found: [Event] = []
    private var scanned = 0
    private var edge: Int64 = 0
    private var start: Int64 = 0
    private var head: Int64 = 0
    private var indexed: Int64 = 0
    private var window = firstWindow
    /// Blocks of the next read.
    private var stride = 1
    private var isAskingIndex = false
    /// What the index has said of the blocks ahead.
    private var candidates: [EventBlock] = []
    /// Whether it has said all.
    private var isLastLook = false
    private var rowsPerRead = 128
    private var isEnd = false

    init(
        connection: PostgresConnection, organizationID: UniqueID, filter: EventFilter, order: EventOrder, limit: Int,
        budget: SearchBudget
    ) {
        self.connection = connection
        self.organizationID = organizationID
        self.filter = filter
        self.order = order
        self.limit = limit
        self.budget = budget
        part = LogPart.part(of: organizationID)
        requirement = filter.requirement(in: TermSpace(organizationID))
        jsonPaths = filter.condition?.jsonPaths ?? []
        deadline = .now.advanced(by: budget.time)
    }

    /// Searches from a position on until the page is full, the log ends, or the budget is spent.
    ///
    /// - Returns: the id of an event up to which everything has been looked at; nil at the end of the log.
    mutating func run(after cursor: Int64?) async throws -> UniqueID? {
        try await begin(after: cursor)
        isEnd = isEnd || requirement.isImpossible
        while found.count < limit {
            if isEnd { return order == .ascending ? try await lastLookedAt() : nil }
            if isSpent, let id = try await lastLookedAt() { return id }
            try await step()
        }
        return found[limit - 2].id
    }

    private var isSpent: Bool { scanned >= budget.events || ContinuousClock.now >= deadline }

    private mutating func begin(after cursor: Int64?) async throws {
        let milliseconds = budget.statementTimeout / .milliseconds(1)
        let row = try await connection.query(
            SearchStatements.begin, [.int2(part), .text(SearchIndexer.follower), .text("\(Int(milliseconds))")])[0]
        head = try row.decode(0)
        indexed = min(head, try row.decode(1))
        start = cursor ?? (order == .ascending ? 0 : head + 1)
        edge = start
        isEnd = order == .ascending ? edge >= head : edge <= 1
    }

    private mutating func step() async throws {
        let isTail = order == .ascending ? edge >= indexed : edge > indexed + 1
        if isTail {
            try await readWindow()
        } else if isAskingIndex || isWorthAsking {
            isAskingIndex = true
            try await readCandidates()
        } else {
            try await walkBlocks()
        }
    }

    /// Whether the index is likely to lead there sooner than reading on.
    private var isWorthAsking: Bool {
        guard !requirement.clauses.isEmpty, scanned >= budget.eventsBeforeIndex else { return false }
        // As many events have to be read for the rest of the page, if they go on as they began.
        return found.isEmpty || (limit - found.count) * scanned / found.count > 4 * budget.eventsBeforeIndex
    }

    // MARK: - The tail

    private mutating func readWindow() async throws {
        let stretch: Stretch
        if order == .ascending {
            let high = min(head, edge + window) + 1
            stretch = Stretch(low: edge, high: high, end: high - 1)
        } else {
            let low = max(indexed, edge - 1 - window)
            stretch = Stretch(low: low, high: edge, end: low + 1)
        }
        window = min(window * 2, Self.largestWindow)
        scanned += Int(stretch.high - stretch.low - 1)
        try await read(SearchStatements.window(order), to: stretch.end, [.int8(stretch.low), .int8(stretch.high)])
        isEnd = order == .ascending ? edge >= head : edge <= 1
    }

    // MARK: - Blocks

    /// Where the blocks may begin that are still ahead.
    private var bounds: (low: Int64, high: Int64) {
        // The block in which the cursor lies begins before it.
        order == .ascending ? (max(1, edge + 2 - SearchIndexer.blockSize), indexed) : (1, edge - 1)
    }

    private mutating func walkBlocks() async throws {
        let rows = try await connection.query(
            SearchStatements.walk(order),
            [
                .uuid(organizationID), .int8(bounds.low), .int8(bounds.high), .optional(filter.from),
                .optional(filter.to), .int8(Int64(stride)),
            ])
        _ = try await read(try rows.map { try EventBlock($0) })
    }

    private mutating func readCandidates() async throws {
        if candidates.isEmpty {
            guard !isLastLook else { return passBlocks() }
            try await look()
        }
        var chunk: [EventBlock] = []
        var events = 0
        for next in candidates {
            guard events < 256 * stride || next.firstPosition == chunk.last?.firstPosition else { break }
            chunk.append(next)
            events += next.events
        }
        let isWhole = try await read(chunk)
        candidates.removeFirst(isWhole ? chunk.count : 0)
        // Of a chunk that was not read to its end, what lies behind the edge is done with.
        let (edge, isAscending) = (edge, order == .ascending)
        candidates.removeAll { isAscending ? $0.lastPosition <= edge : $0.firstPosition >= edge }
    }

    /// Asks the index for the next blocks; each of them whole.
    private mutating func look() async throws {
        let required = requirement.clauses.filter { $0.terms.count == 1 }.flatMap(\.terms)
        // Two suffice: the more is asked, the longer it takes to answer, and the shorter lists say more.
        let either = requirement.clauses.filter { $0.terms.count > 1 }.sorted { $0.weight < $1.weight }
            .prefix(2).map { PostgresParameter.int8s(Array($0.terms)) }
        let rows = try await connection.query(
            SearchStatements.find(order),
            [
                required.isEmpty ? .null : .int8s(required), either.first ?? .null, either.dropFirst().first ?? .null,
                .int8(bounds.low), .int8(bounds.high), .optional(filter.from), .optional(filter.to),
                .bool(order == .descending), .int4(Int32(budget.rowsPerLook)),
            ])
        candidates = try rows.map { try EventBlock($0) }
        isLastLook = candidates.count < budget.rowsPerLook
        if !isLastLook, let last = candidates.last?.firstPosition {
            candidates.removeAll { $0.firstPosition == last }
        }
    }

    private mutating func passBlocks() {
        edge = order == .ascending ? max(edge, indexed) : 1
        isEnd = order == .ascending ? edge >= head : true
    }

    /// Reads blocks; false when there was more in them than is read at once. No blocks: there are none ahead.
    private mutating func read(_ blocks: [EventBlock]) async throws -> Bool {
        guard let last = blocks.last else {
            passBlocks()
            return true
        }
        stride = min(stride * 2, Self.largestStride)
        let stretch =
            order == .ascending
            ? Stretch(low: edge, high: head + 1, end: max(edge, last.lastPosition))
            : Stretch(low: 0, high: edge, end: last.firstPosition)
        scanned += blocks.reduce(0) { $0 + $1.events }
        let isWhole = try await read(
            SearchStatements.blocks(order, ofTypes: last.type != nil), to: stretch.end,
            [
                .int8s(blocks.map { max($0.firstPosition, stretch.low + 1) }),
                .int8s(blocks.map { min($0.lastPosition, stretch.high - 1) }), .texts(blocks.map(\.type)),
                .timestamps(blocks.map(\.firstAt)), .timestamps(blocks.map(\.lastAt)),
            ])
        isEnd = order == .ascending ? edge >= head : edge <= 1
        return isWhole
    }

    // MARK: - Events

    /// Positions between two others, and where the edge lies once they have been looked at.
    private struct Stretch {
        let low: Int64
        let high: Int64
        let end: Int64
    }

    /// Reads what may pass of a stretch and moves the edge to its end; false when not all of it came.
    @discardableResult
    private mutating func read(
        _ statement: PostgresStatement, to end: Int64, _ stretch: [PostgresParameter]
    ) async throws -> Bool {
        // What is decided here can't be counted there, so as much comes as fits.
        let most = filter.looksIntoContents ? rowsPerRead : limit - found.count
        let parameters: [PostgresParameter] = [
            .uuid(organizationID), .int2(part), .optional(filter.type), .optional(filter.subject),
            .optional(filter.source), .optional(filter.from), .optional(filter.to),
            .texts(jsonPaths), .int8(Int64(most)),
        ]
        let rows = try await connection.query(statement, parameters + stretch)
        var bytes = 0
        edge = end
        for row in rows {
            let event = try EventRows.event(row)
            bytes += event.data.count
            if rows.count == most { edge = event.position }
            guard !filter.looksIntoContents || passes(event) else { continue }
            found.append(event)
            if found.count == limit { break }
        }
        let fitting = Self.bytesPerRead * max(1, rows.count) / max(1, bytes)
        rowsPerRead = max(8, min(rowsPerRead * 2, Self.mostRowsPerRead, fitting))
        return rows.count < most
    }

    /// Events whose data is no JSON have no contents; the gateway stores none.
    private func passes(_ event: Event) -> Bool {
        guard let parsed = try? ParsedEvent(event) else { return false }
        return filter.matchesContents(parsed)
    }

    // MARK: - The cursor

    /// The event of the organization that lies nearest to the edge, on the side that has been looked at.
    private func lastLookedAt() async throws -> UniqueID? {
        guard order == .ascending else { return try await nearest(above: edge - 1, below: start) }
        if edge > indexed, let id = try await nearest(above: max(start, indexed), below: edge + 1) { return id }
        // Not from the edge backwards: between the organization's events there may be millions of others'.
        let rows = try await connection.query(
            SearchStatements.walk(.descending),
            [
                .uuid(organizationID), .int8(max(1, start + 2 - SearchIndexer.blockSize)), .int8(min(edge, indexed)),
                .null, .null, .int8(1),
            ])
        guard let block = try rows.first.map({ try EventBlock($0) }) else { return nil }
        return try await nearest(
            above: max(start, block.firstPosition - 1), below: min(edge, block.lastPosition) + 1)
    }

    private func nearest(above low: Int64, below high: Int64) async throws -> UniqueID? {
        let rows = try await connection.query(
            SearchStatements.nearest(order), [.uuid(organizationID), .int2(part), .int8(low), .int8(high)])
        return try rows.first?.decode(0)
    }
}

extension TermRequirement.Clause {
    /// Less says more.
    fileprivate var weight: Int { terms.count + (isVague ? TermRequirement.maximumTerms : 0) }
}

extension EventFilter {
    /// What every event that passes has among its terms.
    func requirement(in space: TermSpace) -> TermRequirement {
        let members: [(TermSpace.Member, String?)] = [(.type, type), (.source, source), (.subject, subject)]
        var requirement = TermRequirement(
            members.compactMap { member, text in text.map { .init([space.member(member, $0)]) } })
        if let text { requirement.formIntersection(TermRequirement(text.terms(in: space).map { .init([$0]) })) }
        if let condition { requirement.formIntersection(TermRequirement(condition, in: space)) }
        return requirement
    }
}
