import EventModel
import EventStore
import JSONTree
import PostgresWire
import Runtime
import TestKit
import Testing
import TriggerEngine

@testable import ProcessorProcess

@Suite("Backtests")
struct BacktestingTests {
    @Test func `a backtest counts what live evaluation has fired for`() async throws {
        try await withEvaluators { fixture in
            let trigger = try await fixture.makeTrigger(
                "high", condition: #"{"field": "data.score", "operator": "gt", "value": 50}"#)
            try await fixture.append((0..<200).map { (#"{"n":\#($0),"score":\#($0 * 37 % 101)}"#, Double($0)) })
            try await fixture.drain(fixture.evaluator())
            let live = try await fixture.firings().count
            let result = try #require(try await fixture.backtest(trigger)["result"])
            #expect(live > 50 && result["fired"]?.int64 == Int64(live))
            #expect(result["complete"]?.bool == true && result["events"]?.int64 == 200)
            #expect(result["days"]?.elements.reduce(0) { $0 + ($1["fired"]?.int64 ?? 0) } == Int64(live))
            #expect(result["samples"]?.count == 20)
        }
    }

    @Test func `states, cooldown, sequence and absence are those of a replay`() async throws {
        try await withEvaluators { fixture in
            let conditions = [
                (#"{"aggregate":"count","window":"60s","group_by":["data.who"],"operator":"gte","value":3}"#, ""),
                (#"{"aggregate":"ema","field":"data.score","window":{"events":5},"operator":"lt","value":40}"#, ""),
                (
                    #"{"field":"data.score","operator":"gt","value":50}"#,
                    #","cooldown":"1m","cooldown_by":["data.who"]"#
                ),
                (
                    #"""
                    {"sequence":[{"field":"data.score","operator":"lt","value":30},
                     {"field":"data.score","operator":"gt","value":70}],"within":"30s","group_by":["data.who"]}
                    """#, ""
                ),
                (
                    #"""
                    {"absence":{"after":{"field":"data.score","operator":"gt","value":90},
                     "expect":{"field":"data.score","operator":"lt","value":10},"within":"20s"}}
                    """#, ""
                ),
            ]
            var triggers: [Trigger] = []
            for (index, (condition, more)) in conditions.enumerated() {
                triggers.append(try await fixture.makeTrigger("t\(index)", condition: condition, more: more))
            }
            let events = (0..<300).map { number -> (data: String, at: Double) in
                let score = number * number * 37 % 101
                let data = #"{"n":\#(number),"score":\#(score),"who":"w\#(number % 3)"}"#
                return (data, Double(number) * 4)
            }
            try await fixture.append(events)
            let evaluator = fixture.evaluator(batchLimit: 17)
            try await fixture.drain(evaluator)
            _ = try await evaluator.fireTimers()
            let live = try await fixture.firings()
            for (index, trigger) in triggers.enumerated() {
                let count = live.count { $0.hasPrefix("t\(index)/") }
                let result = try #require(try await fixture.backtest(trigger)["result"])
                #expect(count > 0 && result["fired"]?.int64 == Int64(count), "trigger \(index)")
            }
        }
    }

    @Test(arguments: [
        #"{"field":"data[\"odd \\\"key\"].a","operator":"eq","value":7}"#,
        #"{"not":{"field":"data.missing","operator":"exists","value":true}}"#,
        #"{"field":"data.nothing","operator":"is_type","value":"null"}"#,
        #"{"field":"data","operator":"is_type","value":"object"}"#,
        #"{"any":[{"field":"a","operator":"eq","value":1},{"field":"b","operator":"eq","value":1},{"#
            + #""field":"c","operator":"eq","value":1},{"field":"d","operator":"eq","value":1},{"#
            + #""field":"list[1]","operator":"eq","value":"x"}]}"#,
        #"{"field":"type","operator":"eq","value":"Score"}"#,
    ])
    func `it sees whatever members its condition looks at`(condition: String) async throws {
        try await withEvaluators { fixture in
            let trigger = try await fixture.makeTrigger("t", condition: condition)
            try await fixture.append([
                (#"{"odd \"key":{"a":7},"nothing":null,"list":["y","x"],"n":1}"#, 1), (#"{"missing":null}"#, 2),
            ])
            try await fixture.drain(fixture.evaluator())
            let live = try await fixture.firings().count
            let result = try #require(try await fixture.backtest(trigger)["result"])
            #expect(live > 0 && result["fired"]?.int64 == Int64(live))
        }
    }

    @Test func `only the organization's events of the time and the types are read, over many pages`() async throws {
        try await withEvaluators { fixture in
            let trigger = try await fixture.makeTrigger("all", condition: #"{"all": []}"#)
            let other = try await fixture.makeOrganization()
            for chunk in 0..<4 {
                try await fixture.append((0..<3_000).map { ("{}", Double(chunk * 3_000 + $0)) })
                try await fixture.append([("{}", Double(chunk))], of: other)
                try await fixture.append([("{}", Double(chunk))], type: "Other")
            }
            let backtest = try await fixture.backtest(trigger)
            #expect(backtest["result"]?["fired"]?.int64 == 12_000 && backtest["events_read"]?.int64 == 12_000)
            let from = Timestamp(microseconds: fixture.start.microseconds + 100 * 1_000_000)
            let to = Timestamp(microseconds: fixture.start.microseconds + 200 * 1_000_000)
            #expect(try await fixture.backtest(trigger, from: from, to: to)["result"]?["fired"]?.int64 == 100)
        }
    }

    @Test func `the deliveries that it would have made are counted by type`() async throws {
        try await withEvaluators { fixture in
            let hook = #"{"type":"rest","config":{"url":"https://example.com"}}"#
            let bot =
                #"{"type":"telegram","config":{"bot_token":"1:abcdefghijklmnopqrstuvwxyz","chat_id":1,"text":"x"}}"#
            let trigger = try await fixture.makeTrigger(
                "all", condition: #"{"all": []}"#, more: #", "actions":[\#(hook),\#(bot),\#(hook)]"#)
            try await fixture.append((0..<7).map { ("{}", Double($0)) })
            let deliveries = try await fixture.backtest(trigger)["result"]?["deliveries"]
            #expect(deliveries?["rest"]?.int64 == 14 && deliveries?["telegram"]?.int64 == 7)
            #expect(try await fixture.value("test_firings_made", "SELECT count(*) FROM firings", as: Int64.self) == 0)
        }
    }

    @Test func `one that reads as much as it may says how far it came`() async throws {
        try await withEvaluators { fixture in
            let trigger = try await fixture.makeTrigger("all", condition: #"{"all": []}"#)
            for chunk in 0..<3 { try await fixture.append((0..<4_000).map { ("{}", Double(chunk * 4_000 + $0)) }) }
            var limits = Backtesting.Limits()
            limits.events = 5_000
            let result = try await fixture.backtest(trigger, limits: limits)["result"]
            #expect(result?["complete"]?.bool == false && result?["stopped_by"]?.string == "events")
            #expect((5_000..<12_000).contains(result?["events"]?.int64 ?? 0) && result?["read_until"]?.string != nil)
        }
    }

    @Test func `one that was cancelled stops at its next sign of life, and stays cancelled`() async throws {
        try await withEvaluators { fixture in
            let trigger = try await fixture.makeTrigger("all", condition: #"{"all": []}"#)
            let backtest = try await fixture.order(trigger)
            let work = try #require(try await fixture.worker.claim(lease: .seconds(60)))
            #expect(try await fixture.worker.advance(work, events: 1, positions: 1, total: 2, lease: .seconds(60)))
            let half = try await fixture.asker.backtest(backtest.id, organizationID: fixture.organization)
            #expect(half?.status == .running && half?.progress == 0.5)
            let cancelled = try await fixture.asker.cancel(backtest.id, organizationID: fixture.organization)
            #expect(cancelled?.status == .cancelled)
            #expect(try await !fixture.worker.advance(work, events: 2, positions: 2, total: 2, lease: .seconds(60)))
            #expect(try await !fixture.worker.finish(work, events: 2, result: Array("{}".utf8)))
            let last = try await fixture.asker.backtest(backtest.id, organizationID: fixture.organization)
            #expect(last?.status == .cancelled && last?.result == nil)
            #expect(try await fixture.worker.claim(lease: .seconds(60)) == nil)
        }
    }

    @Test func `a lease that has run out goes to the next, and whoever had it can't end it any more`() async throws {
        try await withEvaluators { fixture in
            let trigger = try await fixture.makeTrigger("all", condition: #"{"all": []}"#)
            try await fixture.append([("{}", 1)])
            let backtest = try await fixture.order(trigger)
            let dead = try #require(try await fixture.worker.claim(lease: .zero))
            #expect(try await fixture.backtesting().runNext())
            #expect(try await !fixture.worker.finish(dead, events: 9, result: Array("{}".utf8)))
            let ended = try await fixture.asker.backtest(backtest.id, organizationID: fixture.organization)
            #expect(ended?.status == .succeeded && ended?.eventsRead == 1)
        }
    }

    @Test func `one on which processors die is given up, one that is given back is not counted`() async throws {
        try await withEvaluators { fixture in
            let trigger = try await fixture.makeTrigger("all", condition: #"{"all": []}"#)
            let backtest = try await fixture.order(trigger)
            for _ in 0..<5 {
                let work = try #require(try await fixture.worker.claim(lease: .seconds(60)))
                try await fixture.worker.release(work)
            }
            for _ in 0..<BacktestStore.maximumAttempts {
                #expect(try await fixture.worker.claim(lease: .zero) != nil)
            }
            #expect(try await fixture.worker.claim(lease: .zero) == nil)
            let ended = try await fixture.asker.backtest(backtest.id, organizationID: fixture.organization)
            #expect(ended?.status == .failed && ended?.error?.isEmpty == false)
        }
    }

    @Test func `only so many are kept of an organization`() async throws {
        try await withEvaluators { fixture in
            let trigger = try await fixture.makeTrigger("all", condition: #"{"all": []}"#)
            for _ in 0..<(BacktestStore.maximumKept + 3) {
                let backtest = try await fixture.order(trigger)
                _ = try await fixture.asker.cancel(backtest.id, organizationID: fixture.organization)
            }
            let kept = try await fixture.asker.list(organizationID: fixture.organization, limit: 1_000)
            #expect(kept.count == BacktestStore.maximumKept)
        }
    }
}

extension EvaluatorFixture {
    fileprivate var asker: BacktestStore { BacktestStore(pool: gateway) }
    fileprivate var worker: BacktestStore { BacktestStore(pool: pipeline) }

    fileprivate func backtesting(_ limits: Backtesting.Limits = Backtesting.Limits()) -> Backtesting {
        Backtesting(
            store: worker, log: LogSliceSource(pool: pipeline),
            lag: FollowerLag(pool: pipeline, follower: "event-processor"), logger: testLogger, limits: limits)
    }

    /// Asks for a backtest from the start of the test to now.
    fileprivate func order(
        _ trigger: Trigger, from: Timestamp? = nil, to: Timestamp? = nil
    ) async throws -> Backtest {
        try await asker.create(
            NewBacktest(
                trigger.definition, stored: (trigger.id, trigger.version), from: from ?? start, to: to ?? .now()),
            organizationID: organization)
    }

    /// The backtest as the API shows it, once it was run.
    fileprivate func backtest(
        _ trigger: Trigger, from: Timestamp? = nil, to: Timestamp? = nil,
        limits: Backtesting.Limits = Backtesting.Limits()
    ) async throws -> JSONValue {
        let order = try await order(trigger, from: from, to: to)
        #expect(try await backtesting(limits).runNext())
        let ended = try #require(try await asker.backtest(order.id, organizationID: organization))
        var writer = JSONWriter()
        writer.object { ended.write(to: &$0) }
        return try JSONDocument(writer.bytes).root
    }
}
