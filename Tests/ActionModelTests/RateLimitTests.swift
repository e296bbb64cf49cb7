import Testing

@testable import ActionModel

@Suite("Rate limits of actions")
struct RateLimitTests {
    @Test("A limit is read, shown, and refused with its pointer")
    func definition() throws {
        let config = #""type":"rest","config":{"url":"https://example.com"}"#
        let read = try action(#"{\#(config),"rate_limit":{"limit":10,"per":"1m","burst":3}}"#)
        #expect(read.rateLimit == RateLimit(limit: 10, per: TimeSpan("1m")!, burst: 3))
        #expect(read.rateLimit?.interval == 6_000_000)
        #expect(read.written(.masked).contains(#""rate_limit":{"limit":10,"per":"1m","burst":3}"#))
        #expect(try action(read.written(.plain)).rateLimit == read.rateLimit)
        let found = problems {
            _ = try action(#"{\#(config),"rate_limit":{"limit":0,"per":"1w","burst":-1,"x":1}}"#)
        }
        #expect(
            found.map { $0.prefix { $0 != ":" } } == [
                "/actions/0/rate_limit/limit", "/actions/0/rate_limit/burst", "/actions/0/rate_limit/per",
                "/actions/0/rate_limit/x",
            ])
        let emit = problems {
            _ = try action(#"{"type":"emit","config":{"event_type":"x"},"rate_limit":{"limit":1,"per":"1s"}}"#)
        }
        #expect(emit == ["/actions/0/rate_limit: an event is emitted with the firing, and can't wait"])
    }

    @Test("One per second: the first goes, the second waits here, the third and fourth get appointments")
    func order() {
        let limit = RateLimit(limit: 1, per: TimeSpan("1s")!)
        var state = RateLimiterState()
        #expect(state.ask(limit, isReturning: false, at: 0) == .go(after: 0))
        #expect(state.ask(limit, isReturning: false, at: 0) == .go(after: 1_000_000))
        #expect(state.ask(limit, isReturning: false, at: 0) == .comeBack(after: 2_000_000))
        #expect(state.ask(limit, isReturning: false, at: 0) == .comeBack(after: 3_000_000))
        // A newcomer joins the line; who had an appointment goes.
        #expect(state.ask(limit, isReturning: false, at: 2_000_000) == .comeBack(after: 2_000_000))
        #expect(state.ask(limit, isReturning: true, at: 2_000_000) == .go(after: 0))
    }

    @Test("A burst goes at once after a pause")
    func burst() {
        let limit = RateLimit(limit: 60, per: TimeSpan("1m")!, burst: 5)
        var state = RateLimiterState()
        let answers = (0..<7).map { _ in state.ask(limit, isReturning: false, at: 1_000_000_000) }
        #expect(answers.prefix(5).allSatisfy { $0 == .go(after: 0) })
        #expect(answers[5] == .go(after: 1_000_000) && answers[6] == .comeBack(after: 2_000_000))
        #expect(!state.isIdle(at: 1_000_000_000) && state.isIdle(at: 2_000_000_000))
    }

    @Test("However attempts come, no span has too many, none is forgotten, and nobody asks often", arguments: 0..<20)
    func random(seed: Int) throws {
        var random = SplitMix(state: UInt64(seed))
        let limit = RateLimit(
            limit: .random(in: 1...20, using: &random), per: TimeSpan(seconds: .random(in: 1...10, using: &random)),
            burst: 1)
        var state = RateLimiterState()
        // Asks by time; those that come back do so up to 600 ms late, as a promoter has it.
        var asks: [(at: Int64, id: Int, isReturning: Bool)] = (0..<300).map {
            (Int64.random(in: 0...20_000_000, using: &random), $0, false)
        }
        var sent: [Int64] = []
        var questions = 0
        while let next = asks.indices.min(by: { asks[$0].at < asks[$1].at }) {
            let ask = asks.remove(at: next)
            questions += 1
            switch state.ask(limit, isReturning: ask.isReturning, at: ask.at) {
            case .go(let wait):
                #expect(wait <= RateLimiterState.patience)
                sent.append(ask.at + wait)
            case .comeBack(let wait):
                #expect(wait > 0 && wait <= RateLimiterState.horizon)
                asks.append((ask.at + wait + .random(in: 0...600_000, using: &random), ask.id, true))
            }
        }
        #expect(sent.count == 300)
        sent.sort()
        for (first, last) in zip(sent, sent.dropFirst(Int(limit.limit))) {
            // Intervals are whole microseconds, so that a span may lack a few.
            #expect(last - first >= limit.interval * limit.limit)
        }
        // Nearly as many as are allowed: what waits is not kept back for longer than it has to.
        let least = limit.interval * 300
        #expect(sent[299] - sent[0] <= max(20_000_000, least) + 30 * max(limit.interval, 1_000_000))
        #expect(questions <= 300 * 4, "\(questions)")
    }
}
