import EventModel

/// How fast each conversation moves: the time since its previous event, and its events per minute.
///
/// By the events' own time, not by the clock, so that the same log gives the same frames. Events may arrive out of
/// order: one that is older than its conversation's newest counts as coming at the same moment as that.
///
/// Memory is bounded. At most `limit` conversations are kept, about; the ones that were quiet for longest are forgotten
/// first, and start anew if they speak again. The bound is kept by two generations rather than a linked list: new and
/// used conversations move to the young one, and when that has half the limit, the old one is dropped.
public struct Kinetics: Sendable {
    /// What a conversation's next event gets.
    public struct Motion: Sendable, Equatable {
        /// Natural logarithm of the seconds since the previous event; 0 for the first.
        public let deltaTime: Float
        /// Events per minute over the last 60 seconds, this one included.
        public let velocity: Float

        /// The motion of an event without a conversation.
        public static let none = Motion(deltaTime: 0, velocity: 0)
    }

    /// Seconds are counted from here, because a logarithm of 0 is no number.
    private static let shortestMicroseconds: Int64 = 1

    private let limit: Int
    private var young: [Conversation: Pulse] = [:]
    private var old: [Conversation: Pulse] = [:]

    /// Makes an empty one; `limit` conversations are the most it remembers.
    public init(limit: Int = 20_000) {
        self.limit = max(2, limit)
    }

    /// How many conversations are remembered.
    public var count: Int { young.count + old.count }

    /// Takes an event of a conversation in, and says how the conversation moves now.
    public mutating func observe(_ conversation: Conversation?, at time: Timestamp) -> Motion {
        guard let conversation else { return .none }
        guard var pulse = young.removeValue(forKey: conversation) ?? old.removeValue(forKey: conversation) else {
            keep(Pulse(first: time), for: conversation)
            return Motion(deltaTime: 0, velocity: 1)
        }
        let elapsed = pulse.beat(at: time)
        keep(pulse, for: conversation)
        let seconds = Double(max(elapsed, Self.shortestMicroseconds)) / 1_000_000
        return Motion(deltaTime: Float(Logarithm.natural(seconds)), velocity: pulse.velocity)
    }

    /// Takes in a frame that was made before a restart, oldest first, so that the next events move as if there were
    /// none.
    public mutating func replay(_ frame: Frame) {
        let conversation = Conversation(
            organizationHash: frame.organizationHash, subjectHash: frame.conversationHash)
        _ = observe(conversation, at: frame.time)
    }

    private mutating func keep(_ pulse: Pulse, for conversation: Conversation) {
        if young.count >= limit / 2 {
            old = young
            young = [:]
        }
        young[conversation] = pulse
    }
}

/// The recent events of one conversation: enough of their times to know its rate.
///
/// Exact up to ``most`` events a minute. Of a faster conversation the last ``most`` times are kept, and the rate is how
/// many events those were over how long they took.
struct Pulse: Sendable {
    static let most = 256
    private static let window: Int64 = 60_000_000

    /// Microseconds, ascending, from `start` on and around; the last is the newest.
    private var times: [Int64]
    private var start = 0

    init(first: Timestamp) {
        times = [first.microseconds]
    }

    private var newest: Int64 { times[(start + times.count - 1) % times.count] }

    /// Takes an event in; returns the microseconds since the one before.
    mutating func beat(at time: Timestamp) -> Int64 {
        let previous = newest
        let now = max(previous, time.microseconds)
        // Saturating: times come from producers, and two may be further apart than an integer can say.
        let elapsed = now.subtractingReportingOverflow(previous)
        if times.count == Self.most {
            times[start] = now
            start = (start + 1) % Self.most
        } else {
            times.append(now)
            trim(now)
        }
        return elapsed.overflow ? .max : elapsed.partialValue
    }

    /// Forgets what has left the window; only while the array is in order, that is, while `start` is 0.
    private mutating func trim(_ now: Int64) {
        guard start == 0, let first = times.firstIndex(where: { isRecent($0, now) }), first > 0 else { return }
        times.removeFirst(first)
    }

    private func isRecent(_ time: Int64, _ now: Int64) -> Bool {
        let age = now.subtractingReportingOverflow(time)
        return !age.overflow && age.partialValue < Self.window
    }

    /// Events per minute, at the time of the newest.
    var velocity: Float {
        let now = newest
        let recent = times.count { isRecent($0, now) }
        guard recent == Self.most else { return Float(recent) }
        let span = max(1, now - times[start])
        return Float(Double(Self.most - 1) * Double(Self.window) / Double(span))
    }
}
