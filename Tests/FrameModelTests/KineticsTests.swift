import EventModel
import Foundation
import FrameModel
import Testing

@testable import FrameModel

@Suite("How a conversation moves")
struct KineticsTests {
    @Test("The first event has no time since the previous one, and is one a minute")
    func firstEvent() {
        var kinetics = Kinetics()
        #expect(kinetics.observe(conversation(1), at: time(100)) == .init(deltaTime: 0, velocity: 1))
    }

    @Test(
        "The time since the previous event is the natural logarithm of its seconds",
        arguments: [0.001, 0.5, 1, 59, 86_400])
    func logarithmOfSeconds(gap: Double) {
        var kinetics = Kinetics()
        _ = kinetics.observe(conversation(1), at: time(1_000))
        let motion = kinetics.observe(conversation(1), at: time(1_000 + gap))
        #expect(abs(Double(motion.deltaTime) - Foundation.log(gap)) < 1e-5)
    }

    @Test("Events at one moment, or out of order, count as a microsecond apart")
    func noInfinity() {
        var kinetics = Kinetics()
        _ = kinetics.observe(conversation(1), at: time(1_000))
        let least = Float(Foundation.log(1e-6))
        #expect(kinetics.observe(conversation(1), at: time(1_000)).deltaTime == least)
        #expect(kinetics.observe(conversation(1), at: time(900)).deltaTime == least)
        // The older event didn't turn the clock back.
        #expect(abs(kinetics.observe(conversation(1), at: time(1_001)).deltaTime) < 1e-6)
    }

    @Test("Times at the ends of what an integer holds are no accident")
    func extremeTimes() {
        var kinetics = Kinetics()
        _ = kinetics.observe(conversation(1), at: Timestamp(microseconds: .min))
        let motion = kinetics.observe(conversation(1), at: Timestamp(microseconds: .max))
        #expect(motion.deltaTime.isFinite && motion.velocity == 1)
    }

    @Test("An event leaves the rate after 60 seconds")
    func windowIsAMinute() {
        var kinetics = Kinetics()
        _ = kinetics.observe(conversation(1), at: time(0))
        _ = kinetics.observe(conversation(1), at: time(30))
        #expect(kinetics.observe(conversation(1), at: time(59.999)).velocity == 3)
        #expect(kinetics.observe(conversation(1), at: time(60)).velocity == 3)
        #expect(kinetics.observe(conversation(1), at: time(90)).velocity == 3)
        #expect(kinetics.observe(conversation(1), at: time(300)).velocity == 1)
    }

    @Test("A conversation of more than 256 events a minute has its rate by their distance")
    func fastConversation() {
        var kinetics = Kinetics()
        var velocity: Float = 0
        for step in 0..<5_000 { velocity = kinetics.observe(conversation(1), at: time(Double(step) * 0.01)).velocity }
        #expect(abs(velocity - 6_000) < 1)
        // Quiet again: the old times leave the window.
        #expect(kinetics.observe(conversation(1), at: time(1_000)).velocity == 1)
    }

    @Test("Conversations don't touch each other, and an event without one has no motion")
    func conversationsAreSeparate() {
        var kinetics = Kinetics()
        _ = kinetics.observe(conversation(1), at: time(0))
        #expect(kinetics.observe(conversation(2), at: time(1)) == .init(deltaTime: 0, velocity: 1))
        let other = Conversation(organizationHash: 2, subjectHash: 1)
        #expect(kinetics.observe(other, at: time(1)) == .init(deltaTime: 0, velocity: 1))
        #expect(kinetics.observe(nil, at: time(1)) == .none)
        #expect(Conversation(organizationHash: 1, subjectHash: 0) == nil)
    }

    @Test("Random conversations move as a list of all their events says", arguments: 1...5 as ClosedRange<UInt64>)
    func agreesWithReference(seed: UInt64) {
        var random = SplitMix64(state: seed)
        var kinetics = Kinetics()
        var histories: [UInt64: [Int64]] = [:]
        var now: Int64 = 0
        for _ in 0..<3_000 {
            now += Int64.random(in: -2_000_000...5_000_000, using: &random)
            let name = UInt64.random(in: 1...7, using: &random)
            let motion = kinetics.observe(conversation(name), at: Timestamp(microseconds: now))
            let previous = histories[name]?.last
            let effective = max(now, previous ?? now)
            histories[name, default: []].append(effective)
            #expect(motion.velocity == Float(histories[name]!.count { effective - $0 < 60_000_000 }))
            let expected = previous.map { Foundation.log(Double(max(1, effective - $0)) / 1e6) } ?? 0
            #expect(abs(Double(motion.deltaTime) - expected) < 1e-5)
        }
    }

    @Test("No more conversations are remembered than the limit, and the busy ones stay")
    func memoryIsBounded() {
        var kinetics = Kinetics(limit: 100)
        for step in 1...10_000 as ClosedRange<UInt64> {
            _ = kinetics.observe(conversation(step + 10), at: time(Double(step) / 1_000))
            let motion = kinetics.observe(conversation(1), at: time(Double(step) / 1_000))
            #expect(kinetics.count <= 100)
            #expect(step == 1 || motion.deltaTime != 0)
        }
    }

    @Test("After a restart conversations go on as if there had been none")
    func replayRestores() throws {
        var builder = FrameBuilder()
        var frames: [Frame] = []
        func next(_ builder: inout FrameBuilder, _ step: Int) throws -> Frame {
            let parsed = try event(subject: "s\(step % 3)", at: Double(step * step), data: "{}")
            return builder.frame(
                of: parsed, embedding: .none, fillRate: 0, intentNumber: 1, publishedAt: parsed.event.receivedAt)
        }
        for step in 0..<50 { frames.append(try next(&builder, step)) }
        var kinetics = Kinetics()
        frames.forEach { kinetics.replay($0) }
        var restarted = FrameBuilder(kinetics: kinetics)
        for step in 50..<80 { #expect(try next(&restarted, step) == next(&builder, step)) }
    }

    @Test("The logarithm agrees with the C library's")
    func logarithm() {
        var random = SplitMix64(state: 9)
        for _ in 0..<10_000 {
            let x =
                Double.random(in: 0...1, using: &random)
                * Foundation.pow(10, Double.random(in: -300...300, using: &random))
            let expected = Foundation.log(x)
            #expect(abs(Logarithm.natural(x) - expected) <= 1e-14 * max(1, abs(expected)))
        }
        #expect(Logarithm.natural(1) == 0)
    }
}
