import EventModel
import EventStore
import Runtime
import TestKit
import Testing

@Suite("Repeats that race")
struct RepeatRaceTests {
    private struct Sent {
        let id: Int
        let content: Int
        let outcome: AppendOutcome
    }

    private static func event(_ id: Int, _ content: Int) -> NewEvent {
        let now = Timestamp.now()
        return NewEvent(
            id: .generate(at: now), receivedAt: now,
            envelope: EventEnvelope(
                type: "Race", source: "tests", producerID: "r-\(id)", data: Array(#"{"n":\#(content)}"#.utf8)))
    }

    /// Appends all ids in a random order, each with one of three contents, in slices of random sizes.
    private static func send(_ ids: Int, to commit: GroupCommit, of organization: UniqueID) async throws -> [Sent] {
        var sent: [Sent] = []
        var rest = (0..<ids).map { ($0, Int.random(in: 0..<3)) }.shuffled()[...]
        while !rest.isEmpty {
            let slice = rest.prefix(.random(in: 1...60))
            rest = rest.dropFirst(slice.count)
            let outcomes = try await commit.append(
                slice.map { event($0.0, $0.1) }, organizationID: organization)
            sent += zip(slice, outcomes).map { Sent(id: $0.0, content: $0.1, outcome: $1) }
        }
        return sent
    }

    @Test("However two group commits share the same ids, one content of each is stored, and everybody is told which")
    func oneWins() async throws {
        try await withStores { stores in
            // Each with two commits under way at a time: four connections compete for the part.
            var limits = GroupCommit.Limits()
            limits.eventsForTwo = 2
            let commits = (0..<2).map { _ in GroupCommit(pool: stores.gateway, limits: limits, logger: testLogger) }
            let ids = 150
            let organization = stores.organization
            let sent = try await withThrowingTaskGroup(of: Void.self) { services in
                for commit in commits { services.addTask { try await commit.run() } }
                defer { services.cancelAll() }
                return try await withThrowingTaskGroup(of: [Sent].self) { group in
                    for number in 0..<8 {
                        group.addTask { try await Self.send(ids, to: commits[number % 2], of: organization) }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
            }
            #expect(sent.count == 8 * ids)
            for (id, all) in Dictionary(grouping: sent, by: \.id) {
                let winners = all.filter { if case .stored = $0.outcome { true } else { false } }
                #expect(winners.count == 1, "id \(id)")
                guard let winner = winners.first, case .stored(let first, let time) = winner.outcome else { continue }
                for other in all where other.outcome != winner.outcome {
                    let expected: AppendOutcome =
                        other.content == winner.content
                        ? .duplicate(id: first, receivedAt: time) : .conflict(id: first)
                    #expect(other.outcome == expected, "id \(id)")
                }
            }
            let events = try await LogReader(pool: stores.pipeline).read(
                part: LogPart.part(of: organization), after: 0, limit: 10_000)
            #expect(events.count == ids && Set(events.map(\.producerID)).count == ids)
            #expect(events.map(\.position) == Array(1...Int64(ids)))
        }
    }
}
