import ActionModel
import EventModel
import EventStore
import JSONTree
import PostgresWire
import Runtime
import TestKit
import Testing
import TriggerEngine

@Suite("The account of the language model")
struct ModelStoreTests {
    private func models(_ stores: StoreFixture, _ budget: BudgetSettings = BudgetSettings()) -> ModelStore {
        ModelStore(pool: stores.pipeline, budget: budget)
    }

    private func shown(_ stores: StoreFixture) async throws -> ModelDay? {
        try await ModelStore(pool: stores.gateway).days(organizationID: stores.organization, limit: 1).first
    }

    private func use(_ prompt: Int64, _ completion: Int64, seconds: Int64 = 0) -> ModelUse {
        var use = ModelUse()
        use.requests = 1
        use.usage = ChatCompletion.Usage(promptTokens: prompt, completionTokens: completion)
        use.microseconds = seconds * 1_000_000
        return use
    }

    @Test("Questions that come together are let through as far as the budget holds them, and no further")
    func reservations() async throws {
        try await withStores { stores in
            let models = models(stores, BudgetSettings(tokensPerDay: 1_000))
            let granted = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<30 {
                    group.addTask {
                        try await models.reserve(tokens: 90, organizationID: stores.organization).day != nil
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(granted == 11)
            #expect(try await shown(stores)?.setAsideTokens == 990)
        }
    }

    @Test("What was set aside is replaced by what was used, and a budget that is used up says until when")
    func settling() async throws {
        try await withStores { stores in
            let models = models(stores, BudgetSettings(tokensPerDay: 100, secondsPerDay: 10))
            let day = try #require(await models.reserve(tokens: 90, organizationID: stores.organization).day)
            try await models.settle(
                use(10, 20, seconds: 4), released: 90, day: day, organizationID: stores.organization)
            let first = try #require(await shown(stores))
            #expect(first.setAsideTokens == 0 && first.use.usage.promptTokens == 10)
            #expect(first.use.requests == 1 && first.use.microseconds == 4_000_000)
            #expect(day % 86_400_000_000 == 0)
            let refused = try #require(await models.reserve(tokens: 71, organizationID: stores.organization).refusal)
            #expect(refused.reason.contains("100 tokens, of which 30 are used and this needs up to 71"))
            #expect((1...86_400_000_000).contains(refused.microseconds))
            #expect(try await models.reserve(tokens: 70, organizationID: stores.organization).day != nil)
            try await models.settle(use(0, 0, seconds: 6), released: 70, day: day, organizationID: stores.organization)
            let late = try #require(await models.reserve(tokens: 1, organizationID: stores.organization).refusal)
            #expect(late.reason.contains("10 seconds"))
        }
    }

    @Test("An organization's own budget counts before the installation's, and is nobody else's")
    func budgets() async throws {
        try await withStores { stores in
            let defaults = BudgetSettings(tokensPerDay: 50)
            let owner = ModelStore(pool: stores.owner, budget: defaults)
            let name = stores.organization.description
            #expect(try await owner.set(ModelBudget(tokensPerDay: 500), organization: name))
            #expect(try await !owner.set(ModelBudget(tokensPerDay: 500), organization: "nobody"))
            let gateway = ModelStore(pool: stores.gateway, budget: defaults)
            #expect(try await gateway.budget(organizationID: stores.organization).tokensPerDay == 500)
            let other = try await stores.makeOrganization()
            #expect(try await gateway.budget(organizationID: other).tokensPerDay == 50)
            let models = models(stores, defaults)
            #expect(try await models.reserve(tokens: 400, organizationID: stores.organization).day != nil)
            #expect(try await models.reserve(tokens: 400, organizationID: other).refusal != nil)
            #expect(try await gateway.days(organizationID: other, limit: 10).isEmpty)
            #expect(try await owner.set(nil, organization: name))
            #expect(try await gateway.budget(organizationID: stores.organization).tokensPerDay == 50)
            #expect(try await !owner.set(nil, organization: "nobody"))
        }
    }

    @Test("An answer is given again for as long as it was kept for, to its own organization")
    func answers() async throws {
        try await withStores { stores in
            let models = models(stores)
            let key = [UInt8](repeating: 7, count: 32)
            let answer = LLMAnswer(text: #"{"a":1}"#, thinking: "t", isJSON: true)
            #expect(try await models.keptAnswer(key, organizationID: stores.organization) == nil)
            try await models.keep(answer, for: TimeSpan("1h")!, key: key, organizationID: stores.organization)
            #expect(try await models.keptAnswer(key, organizationID: stores.organization) == answer)
            #expect(try await shown(stores)?.cached == 1)
            #expect(try await models.keptAnswer(key, organizationID: try await stores.makeOrganization()) == nil)

            let later = LLMAnswer(text: "b", thinking: "", isJSON: false)
            try await models.keep(later, for: TimeSpan("1ms")!, key: key, organizationID: stores.organization)
            try await Task.sleep(for: .milliseconds(5))
            #expect(try await models.keptAnswer(key, organizationID: stores.organization) == nil)
            // One that comes takes along what is over.
            let other = [UInt8](repeating: 8, count: 32)
            try await models.keep(later, for: TimeSpan("1h")!, key: other, organizationID: stores.organization)
            #expect(try await stores.owner.query(.count("model_answers"))[0].decode(0, as: Int64.self) == 1)
            let large = LLMAnswer(text: String(repeating: "x", count: 65_537), thinking: "", isJSON: false)
            try await models.keep(large, for: TimeSpan("1h")!, key: key, organizationID: stores.organization)
            #expect(try await models.keptAnswer(key, organizationID: stores.organization) == nil)
        }
    }
}

extension BudgetDecision {
    fileprivate var day: Int64? {
        if case .granted(let day) = self { day } else { nil }
    }

    fileprivate var refusal: (reason: String, microseconds: Int64)? {
        if case .exhausted(let reason, let microseconds) = self { (reason, microseconds) } else { nil }
    }
}

@Suite("Answers that become events")
struct AnswerEventTests {
    private func answered(_ envelope: EventEnvelope) -> AttemptRecord {
        AttemptRecord(AttemptResult(statusCode: 200, body: [], durationMicroseconds: 1_000), event: envelope)
    }

    private func count(_ stores: StoreFixture) async throws -> Int64 {
        try await stores.owner.query(
            PostgresStatement("test_derived", "SELECT count(*) FROM events WHERE type = 'Answered'"))[0].decode(0)
    }

    @Test("The event is there when the delivery has succeeded, once, and not when the lease was gone")
    func exactlyOnce() async throws {
        try await withStores { stores in
            let trigger = try await stores.makeTrigger()
            let ready = try await stores.fire(trigger, on: stores.makeEvent())
            let envelope = EventEnvelope(
                type: "Answered", source: "collider/triggers/x", data: Array("{}".utf8),
                metadata: Array(#"{"cause":{},"depth":1}"#.utf8))
            let late = try #require(await stores.deliveries.claim([ready[0].id]).first)
            _ = try await stores.owner.query(
                PostgresStatement("test_expire", "UPDATE deliveries SET lease_until = now() - interval '1 second'"))
            _ = try await stores.deliveries.expireLeases(limit: 10)
            #expect(try await !stores.deliveries.finish(late, .succeeded, after: answered(envelope)))
            #expect(try await count(stores) == 0)

            let claimed = try #require(await stores.deliveries.claim([ready[0].id]).first)
            #expect(try await stores.deliveries.finish(claimed, .succeeded, after: answered(envelope)))
            #expect(try await !stores.deliveries.finish(claimed, .succeeded, after: answered(envelope)))
            #expect(try await count(stores) == 1)
            #expect(try await stores.status(of: ready[0].id) == .succeeded)
        }
    }

    @Test("What fails makes no event, and an event that the log refuses fails the whole")
    func nothingOrAll() async throws {
        try await withStores { stores in
            let trigger = try await stores.makeTrigger()
            let ready = try await stores.fire(trigger, on: stores.makeEvent())
            let claimed = try #require(await stores.deliveries.claim([ready[0].id]).first)
            let bad = EventEnvelope(type: "Answered", data: Array("{".utf8))
            await #expect(throws: (any Error).self) {
                try await stores.deliveries.finish(claimed, .succeeded, after: answered(bad))
            }
            #expect(try await stores.status(of: ready[0].id) == .running)
            let good = EventEnvelope(type: "Answered", data: Array("{}".utf8))
            #expect(try await stores.deliveries.finish(claimed, .dead(reason: "x"), after: answered(good)))
            #expect(try await count(stores) == 0)
        }
    }
}
