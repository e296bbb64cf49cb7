import EventModel
import FrameModel
import JSONTree
import Testing

@testable import FrameModel

@Suite("Frames of events")
struct FrameBuilderTests {
    private func frame(of event: ParsedEvent, embedding: [Float] = [], by origin: Embedding.Origin = .lexical) -> Frame
    {
        var builder = FrameBuilder()
        return builder.frame(
            of: event, embedding: Embedding(embedding, origin: origin), fillRate: 0.5, intentNumber: 3,
            publishedAt: Timestamp(microseconds: event.event.receivedAt.microseconds + 1_500))
    }

    @Test("A frame names its event, its organization, its conversation and its type")
    func identity() throws {
        let event = try event(subject: "customer-7", at: 12.5, receivedAt: 13)
        let frame = frame(of: event)
        #expect(frame.eventID == event.event.id)
        #expect(frame.time == event.event.time)
        #expect(frame.conversationHash == FNV1a.hash64("customer-7".utf8))
        #expect(frame.organizationHash == FNV1a.hash64(event.event.organizationID.bytes))
        #expect(frame.intentID == 3 && frame.fillRate == 0.5)
        #expect(frame.durationMilliseconds == 1.5)
    }

    @Test("Without a subject there is no conversation and no motion", arguments: [nil, ""] as [String?])
    func noSubject(subject: String?) throws {
        let frame = frame(of: try event(subject: subject))
        #expect(frame.conversationHash == 0 && frame.deltaTime == 0 && frame.velocity == 0)
    }

    @Test("A clock that was turned back makes no negative duration")
    func durationIsNotNegative() throws {
        var builder = FrameBuilder()
        let frame = builder.frame(
            of: try event(receivedAt: 10), embedding: .none, fillRate: 0, intentNumber: 0, publishedAt: time(5))
        #expect(frame.durationMilliseconds == 0)
    }

    @Test("An embedding that is too long is cut, and one that is empty turns nothing")
    func embeddings() throws {
        #expect(frame(of: try event(), embedding: Array(repeating: 1, count: 2_000)).semantic.count == 1024)
        let none = frame(of: try event())
        #expect(none.semantic.isEmpty && none.spin == .identity)
    }

    @Test("Values in the data named like a field are used where they fit")
    func namedValues() throws {
        let data = """
            {"workflow_node": 4, "case_status": -1, "lead_status": 2147483647, "actor_type": 3, "sentiment": -1,
             "confidence": 0.5, "interrupt": 7.25}
            """
        let frame = frame(of: try event(data: data))
        let named = frame.named
        #expect((named.workflowNode, named.caseStatus, named.leadStatus) == (4, -1, 2_147_483_647))
        #expect(named.actor == .tool)
        #expect((frame.sentiment, named.confidence, named.interrupt) == (-1, 0.5, 7.25))
    }

    @Test(
        "Values that don't fit are as good as none",
        arguments: [
            #"{"workflow_node": "4"}"#, #"{"workflow_node": 2147483648}"#, #"{"case_status": 1.5}"#,
            #"{"lead_status": null}"#, #"{"actor_type": 4}"#, #"{"actor_type": -1}"#, #"{"sentiment": 1.01}"#,
            #"{"sentiment": "0.5"}"#, #"{"confidence": -0.1}"#, #"{"confidence": true}"#, #"{"interrupt": 1e300}"#,
            #"{"interrupt": [1]}"#, #"{"nested": {"sentiment": 1}}"#,
        ])
    func namedValuesThatDoNotFit(data: String) throws {
        let frame = frame(of: try event(data: data))
        #expect(frame.named == NamedValues() && frame.sentiment == 0 && frame.flags == [])
    }

    @Test("A sentiment comes from the event, else from its words, and the flags say which")
    func sentiment() throws {
        let given = frame(of: try event(data: #"{"sentiment": 0.25, "text": "horrible"}"#))
        #expect(given.sentiment == 0.25 && given.flags == .sentimentGiven)
        let scored = frame(of: try event(data: #"{"sentiment": 7, "text": "horrible"}"#))
        #expect(scored.sentiment < -0.4 && scored.flags == .sentimentOfWords)
        let none = frame(of: try event(type: "Horrible", data: #"{"text": "table"}"#))
        #expect(none.sentiment == 0 && none.flags == [])
    }

    @Test(
        "The flags say whose the embedding is",
        arguments: [
            (.lexical, .lexicalEmbedding), (.model, .modelEmbedding),
            (.standIn, [.lexicalEmbedding, .standInEmbedding]),
        ] as [(Embedding.Origin, FrameFlags)])
    func embeddingOrigin(origin: Embedding.Origin, flags: FrameFlags) throws {
        #expect(frame(of: try event(), embedding: [1], by: origin).flags == flags)
        #expect(frame(of: try event(), by: origin).flags == [])
    }
}

@Suite("Spin")
struct SpinTests {
    private func random(_ seed: UInt64) -> [Float] {
        var generator = SplitMix64(state: seed)
        return (0..<1024).map { _ in Float.random(in: -1...1, using: &generator) }
    }

    @Test("It has length 1", arguments: 1...20 as ClosedRange<UInt64>)
    func isUnit(seed: UInt64) {
        let spin = Spin(of: random(seed))
        #expect(abs(spin.w * spin.w + spin.x * spin.x + spin.y * spin.y + spin.z * spin.z - 1) < 1e-5)
    }

    @Test("It does not depend on the embedding's length, and little on a small change")
    func isContinuous() {
        let embedding = random(1)
        let spin = Spin(of: embedding)
        let longer = Spin(of: embedding.map { $0 * 3 })
        let near = Spin(of: embedding.enumerated().map { $1 + ($0.isMultiple(of: 100) ? 0.01 : 0) })
        for other in [longer, near] {
            #expect(spin.w * other.w + spin.x * other.x + spin.y * other.y + spin.z * other.z > 0.999)
        }
    }

    @Test("The directions are part of the format: these values never change")
    func projectionIsFixed() {
        #expect(Spin.projection.count == 1024)
        let ones = Spin.projection.reduce(SIMD4<Float>.zero, +)
        #expect(ones == SIMD4(-48, 44, 16, -8))
        var first = [Float](repeating: 0, count: 1024)
        first[0] = 1
        #expect(Spin(of: first) == Spin(w: -0.5, x: -0.5, y: 0.5, z: -0.5))
    }

    @Test(
        "What is no direction is no rotation",
        arguments: [[], [0, 0, 0], [.nan], [.infinity]] as [[Float]])
    func degenerate(embedding: [Float]) {
        #expect(Spin(of: embedding) == .identity)
    }
}
