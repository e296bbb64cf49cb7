import EventModel
import TextModel

/// Makes frames of events, in the order of the log.
///
/// Everything but the kinetics is a function of one event; those are why the order counts.
public struct FrameBuilder: Sendable {
    /// How each conversation moves, as far as the events so far tell.
    public var kinetics: Kinetics
    private let scorer = SentimentScorer()

    /// Makes a builder that goes on from kinetics, which are empty unless frames were read back.
    public init(kinetics: Kinetics = Kinetics()) {
        self.kinetics = kinetics
    }

    /// The frame of the next event.
    ///
    /// - Parameters:
    ///   - embedding: What stands for the event's text.
    ///   - fillRate: Share of the learned schema's fields that the event has.
    ///   - intentNumber: Stable number of the event type.
    ///   - publishedAt: When the frame will be visible, as nearly as is known.
    public mutating func frame(
        of event: ParsedEvent, embedding: Embedding, fillRate: Float, intentNumber: Int32, publishedAt: Timestamp
    ) -> Frame {
        let log = event.event
        var frame = Frame(
            eventID: log.id, time: log.time, organizationHash: Conversation.organizationHash(log.organizationID))
        let conversation = Conversation(log)
        let motion = kinetics.observe(conversation, at: log.time)
        frame.conversationHash = conversation?.subjectHash ?? 0
        frame.deltaTime = motion.deltaTime
        frame.velocity = motion.velocity
        frame.semantic = Array(embedding.values.prefix(Frame.dimensions))
        frame.spin = Spin(of: embedding.values)
        frame.flags = embedding.flags
        // Through Double, whose 53 bits hold any difference that a Float can show.
        let waited = Double(publishedAt.microseconds) - Double(log.receivedAt.microseconds)
        frame.durationMilliseconds = Float(max(0, waited) / 1_000)
        frame.fillRate = fillRate
        frame.intentID = intentNumber
        frame.named = NamedValues(event.data)
        if let given = NamedValues.sentiment(of: event.data) {
            frame.sentiment = given
            frame.flags.insert(.sentimentGiven)
        } else if let score = scorer.score(event.data) {
            frame.sentiment = score
            frame.flags.insert(.sentimentOfWords)
        }
        return frame
    }
}
