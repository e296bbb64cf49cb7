import EventModel
import FrameModel
import JSONTree

func event(
    type: String = "Test", subject: String? = nil, at seconds: Double = 0, receivedAt: Double = 0, data: String = "{}",
    organization: UInt64 = 1
) throws -> ParsedEvent {
    try ParsedEvent(
        Event(
            id: UniqueID(high: 0x0102_0304_0506_0708, low: 0x090A_0B0C_0D0E_0F10),
            organizationID: UniqueID(high: 0, low: organization), part: 0, position: 1, type: type, source: "",
            subject: subject, time: Timestamp(microseconds: Int64(seconds * 1_000_000)),
            receivedAt: Timestamp(microseconds: Int64(receivedAt * 1_000_000)), producerID: nil, traceparent: nil,
            data: Array(data.utf8)))
}

func conversation(_ number: UInt64) -> Conversation {
    Conversation(organizationHash: 1, subjectHash: number)!
}

func time(_ seconds: Double) -> Timestamp { Timestamp(microseconds: Int64((seconds * 1_000_000).rounded())) }

/// A frame in which every field differs from its default.
func fullFrame() -> Frame {
    var frame = Frame(
        eventID: UniqueID(high: 0x0102_0304_0506_0708, low: 0x090A_0B0C_0D0E_0F10),
        time: Timestamp(microseconds: -1_234_567), organizationHash: 0x1122_3344_5566_7788)
    frame.id = 77
    frame.conversationHash = 0x99AA_BBCC_DDEE_FF00
    frame.semantic = (0..<1000).map { Float($0) / 1000 }
    frame.spin = Spin(w: 0.5, x: -0.5, y: 0.5, z: -0.5)
    frame.deltaTime = 1.25
    frame.velocity = 12
    frame.durationMilliseconds = 3.5
    frame.intentID = 42
    frame.fillRate = 0.75
    frame.named.workflowNode = 7
    frame.named.caseStatus = -8
    frame.named.leadStatus = 9
    frame.named.actor = .agent
    frame.sentiment = -0.25
    frame.named.confidence = 0.875
    frame.named.interrupt = 2
    frame.flags = [.sentimentGiven, .modelEmbedding]
    return frame
}
