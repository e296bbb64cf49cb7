import EventModel
import EventStore
import JSONTree
import SchemaLearning
import TestKit
import Testing

@testable import ProcessorProcess

@Suite("Schemas are learned by a follower of their own")
struct SchemaKeepingTests {
    @Test("Two replicas that take turns learn from each event once")
    func turns() async throws {
        try await withEvaluators { fixture in
            let other = try await fixture.makeOrganization()
            let replicas = (0..<2).map { _ in fixture.schemaKeeping(batchLimit: 7) }
            for round in 0..<6 {
                let events = (0..<10).map { (data: #"{"n":\#($0),"round":"\#(round)"}"#, at: Double(round)) }
                try await fixture.append(events)
                try await fixture.append(events, type: "Other", of: other)
                _ = try await replicas[round % 2].learnNext()
            }
            while try await replicas[0].learnNext() + replicas[1].learnNext() > 0 {}
            let schemas = SchemaStore(pool: fixture.gateway)
            let own = try #require(try await schemas.schema(organizationID: fixture.organization, eventType: "Score"))
            #expect(own.eventCount == 60 && own.fields["n"]?.types == [.integer: 60])
            #expect(own.fields["round"]?.examples == (0..<5).map { "\"\($0)\"" })
            #expect(own.lastSeen.microseconds - own.firstSeen.microseconds == 5_000_000)
            let foreign = try #require(try await schemas.schema(organizationID: other, eventType: "Other"))
            #expect(foreign.eventCount == 60)
        }
    }

    @Test("Keys that are made up for every event are counted, and few are kept")
    func madeUpKeys() async throws {
        try await withEvaluators { fixture in
            let events = (0..<60).map { number in
                let members = (0..<200).map { #""\#(number)-\#($0)":1"# }.joined(separator: ",")
                return (data: "{\(members)}", at: Double(number))
            }
            try await fixture.append(events)
            #expect(try await fixture.schemaKeeping(batchLimit: 1_000).learnNext() == 60)
            let schemas = SchemaStore(pool: fixture.gateway)
            let learned = try #require(
                try await schemas.schema(organizationID: fixture.organization, eventType: "Score"))
            #expect(learned.eventCount == 60 && learned.fields.count == LearnedSchema.maximumFields)
            #expect(learned.droppedFields == 60 * 200 - Int64(LearnedSchema.maximumFields))
        }
    }
}

extension EvaluatorFixture {
    fileprivate func schemaKeeping(batchLimit: Int) -> SchemaKeeping {
        SchemaKeeping(
            follower: LogFollower(pool: pipeline, follower: SchemaKeeping.follower, batchLimit: batchLimit),
            schemas: SchemaStore(pool: pipeline), lag: FollowerLag(pool: pipeline, follower: SchemaKeeping.follower),
            leader: FollowerLag(pool: pipeline, follower: "event-processor"), logger: testLogger)
    }
}
