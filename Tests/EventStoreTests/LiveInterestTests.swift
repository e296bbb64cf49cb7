import EventModel
import EventStore
import PostgresWire
import Synchronization
import TestKit
import Testing

@Suite("What listeners of the live tail want, and what of the past they hold")
struct LiveInterestTests {
    private typealias Interest = LiveInterest<[Event]>

    private static func only(_ type: String) -> Interest { LiveInterest(name: type, type: type) }

    @Test func `whoever comes while others are read for misses nothing of what only they want`() async throws {
        var limits = LiveTailLimits()
        limits.batchEvents = 5
        limits.pageEvents = 3
        limits.pause = .milliseconds(1)
        try await LiveTailTests.withTail(limits) { fixture in
            let organization = fixture.stores.organization
            try await fixture.append(1, type: "A")
            let types = ["A", "B", "C", "D", nil]
            let done = Finished()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for number in 0..<300 {
                        try await fixture.append(2, type: types[number % 4] ?? "")
                        await Task.yield()
                    }
                    done.flag.store(true, ordering: .sequentiallyConsistent)
                }
                for lane in 0..<8 {
                    group.addTask {
                        var round = lane
                        while !done.flag.load(ordering: .sequentiallyConsistent) {
                            try await Self.checkSome(types[round % types.count], fixture, organization)
                            round += 1
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    private final class Finished: Sendable {
        let flag = Atomic<Bool>(false)
    }

    /// Listens from now on, leaves after some events, and holds them against the log.
    private static func checkSome(
        _ type: String?, _ fixture: LiveTailTests.Fixture, _ organization: UniqueID
    ) async throws {
        let interest = type.map { only($0) } ?? Interest()
        let subscription = try await fixture.tail.subscribe(organizationID: organization, interest: interest)
        let start = try #require(subscription.startID)
        var events: [Event] = []
        while events.count < 5 {
            let deadline = ContinuousClock.now.advanced(by: .milliseconds(300))
            guard case .batch(let batch, let position) = await subscription.next(until: deadline) else { break }
            // It may be given what others want.
            events += batch.filter { $0.position > position && (type == nil || $0.type == type) }
        }
        let log = try await fixture.events()
        let from = try #require(log.firstIndex { $0.id == start })
        let wanted = log[(from + 1)...].filter { type == nil || $0.type == type }
        #expect(events.map(\.position) == wanted.prefix(events.count).map(\.position))
    }

    @Test func `who wants nothing of what comes is neither woken nor ended for it`() async throws {
        var limits = LiveTailLimits()
        limits.retainedEvents = 10
        limits.pause = .milliseconds(1)
        try await LiveTailTests.withTail(limits) { fixture in
            let organization = fixture.stores.organization
            let wanted = Interest(name: "wanted") { $0.contains { $0.type == "Wanted" } }
            let subscription = try await fixture.tail.subscribe(organizationID: organization, interest: wanted)
            let others = try await fixture.tail.subscribe(organizationID: organization)
            async let step = subscription.next(until: .now.advanced(by: LiveTailTests.soon))
            for _ in 0..<10 {
                try await fixture.append(5)
                #expect(try await LiveTailTests.take(5, others).count == 5)
            }
            let newest = try await fixture.log().last
            #expect(others.reachedID == newest)
            try await fixture.append(1, type: "Wanted")
            guard case .batch(let events, _) = await step else {
                Issue.record("it was ended")
                return
            }
            #expect(events.contains { $0.type == "Wanted" })

            // What nobody wants is not read, and still counts as seen.
            let narrow = try await fixture.tail.subscribe(
                organizationID: try await fixture.stores.makeOrganization(), interest: Self.only("None"))
            _ = narrow
            let alone = try await fixture.tail.subscribe(
                organizationID: organization, after: newest, interest: Self.only("None"))
            let last = try await fixture.log().last
            while alone.reachedID != last {
                guard case .idle = await alone.next(until: .now.advanced(by: .milliseconds(50))) else { continue }
            }
        }
    }

    @Test func `few listeners hold a page of the past, and give it back when they go on or leave`() async throws {
        var limits = LiveTailLimits()
        limits.pageEvents = 2
        limits.pagesPerOrganization = 1
        try await LiveTailTests.withTail(limits) { fixture in
            let organization = fixture.stores.organization
            try await fixture.append(7)
            let log = try await fixture.log()
            let second = try await fixture.tail.subscribe(organizationID: organization, after: log[0])
            do {
                let first = try await fixture.tail.subscribe(organizationID: organization, after: log[0])
                #expect(try await LiveTailTests.take(2, first) == Array(log[1...2]))
                guard case .idle = await second.next(until: .now.advanced(by: .milliseconds(300))) else {
                    Issue.record("two hold a page")
                    return
                }
                // Page by page in turn; the last is given back by the wait for what is new.
                async let rest = Self.takeAll(4, first)
                #expect(try await Self.takeAll(6, second) == Array(log[1...6]))
                #expect(try await rest == Array(log[3...6]))
            }
            let holder = try await fixture.tail.subscribe(organizationID: organization, after: log[0])
            #expect(try await LiveTailTests.take(2, holder) == Array(log[1...2]))
            let last = try await fixture.tail.subscribe(organizationID: organization, after: log[4])
            async let ids = LiveTailTests.take(2, last)
            holder.disconnect()
            _ = await holder.next(until: .now)
            #expect(try await ids == Array(log[5...6]))
        }
    }

    private static func takeAll(
        _ count: Int, _ subscription: LiveSubscription<[Event]>
    ) async throws -> [UniqueID] {
        let ids = try await LiveTailTests.take(count, subscription)
        guard case .idle = await subscription.next(until: .now) else {
            Issue.record("something came")
            return []
        }
        return ids
    }

    @Test func `events far apart are found in ranges that are short`() async throws {
        var limits = LiveTailLimits()
        limits.scannedPositions = 5
        try await LiveTailTests.withTail(limits) { fixture in
            let organization = fixture.stores.organization
            var other = try await fixture.stores.makeOrganization()
            while LogPart.part(of: other) != LogPart.part(of: organization) {
                other = try await fixture.stores.makeOrganization()
            }
            try await fixture.append(1)
            let first = try #require(try await fixture.log().first)
            let live = try await fixture.tail.subscribe(organizationID: organization)
            try await fixture.append(50, organization: other)
            try await fixture.append(1)
            let resumed = try await fixture.tail.subscribe(organizationID: organization, after: first)
            let last = try #require(try await fixture.log().last)
            #expect(try await LiveTailTests.take(1, live) == [last])
            #expect(try await LiveTailTests.take(1, resumed) == [last])
        }
    }
}
