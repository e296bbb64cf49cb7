import EventModel

/// Makes frames of events, in the order of the log.
///
/// Everything but the kinetics is a function of one event; those are why the order counts.
public struct FrameBuilder: Sendable {
    /// How each conversation moves, as far as the events so far tell.
    public var kinetics: Kinetics

    /// Makes a builder that goes on from kinetics, which are empty unless frames were read back.
    public init(kinetics: Kinetics = Kinetics()) {
        self.kinetics = kinetics
    }

    /// The frame of the next event.
    ///
    /// - Parameters:
    ///   - embedding: At most ``Frame/dimensions`` values, of length 1; empty when there is none.
    ///   - fillRate: Share of the learned schema's fields that the event has; 1 while nothing is learned.
    ///   - intentNumber: Stable number of the event type.
    ///   - publishedAt: When the frame will be visible, as nearly as is known.
    public mutating func frame(
        of event: ParsedEvent, embedding: [Float], fillRate: Float, intentNumber: Int32, publishedAt: Timestamp
    ) -> Frame {
        let log = event.event
        var frame = Frame(
            eventID: log.id, time: log.time, organizationHash: Conversation.organizationHash(log.organizationID))
        let conversation = Conversation(log)
        let motion = kinetics.observe(conversation, at: log.time)
        frame.conversationHash = conversation?.subjectHash ?? 0
        frame.deltaTime = motion.deltaTime
        frame.velocity = motion.velocity
        frame.semantic = Array(embedding.prefix(Frame.dimensions))
        frame.spin = Spin(of: embedding)
        // Through Double, whose 53 bits hold any difference that a Float can show.
        let waited = Double(publishedAt.microseconds) - Double(log.receivedAt.microseconds)
        frame.durationMilliseconds = Float(max(0, waited) / 1_000)
        frame.fillRate = fillRate
        frame.intentID = intentNumber
        frame.named = NamedValues(event.data)
        return frame
    }
}
