import ActionModel
import EventModel
import JSONTree
import PostgresWire

/// One action of a firing, on its way or done: the row that is the job.
public struct Delivery: Sendable, Equatable {
    /// A version 7 UUID, the same for every attempt, so that a receiver recognises a repeat.
    public let id: UniqueID
    /// Whose trigger fired.
    public let organizationID: UniqueID
    /// The firing that it belongs to.
    public let firingID: UniqueID
    /// The trigger that fired.
    public let triggerID: UniqueID
    /// The version that fired, whose action this is.
    public let triggerVersion: Int32
    /// The event that the trigger matched.
    public let eventID: UniqueID
    /// When that event was received.
    public let eventReceivedAt: Timestamp
    /// Which of the version's actions, from 0.
    public let actionIndex: Int
    /// What kind of action it is.
    public let kind: ActionKind
    /// Where it stands.
    public let status: DeliveryStatus
    /// Attempts begun so far.
    public let attempt: Int
    /// Attempts after which it is given up.
    public let maxAttempts: Int
    /// When the next attempt is due, or the last one was.
    public let runAt: Timestamp
    /// Why the last attempt failed.
    public let lastError: String?
    /// The milliseconds of its id.
    public let createdAt: Timestamp
    /// When it succeeded, or was given up.
    public let finishedAt: Timestamp?
    /// Where it goes, by which it has its circuit breaker; nil for deliveries from before there were any.
    public let endpoint: String?
    /// Why it was last given back unattempted; nil after an attempt.
    public let putOff: PutOffCause?
    /// Why the next attempt is when it is; nil when nothing follows.
    public let nextAttemptReason: String?
    /// Of a message in several parts those that have arrived: the next attempt goes on behind them.
    public let partsSent: Int
    /// The delivery that this one repeats.
    public let replayOf: UniqueID?
    /// The last delivery that repeats this one.
    public let replayedAs: UniqueID?
    /// The replay that made it.
    public let replayID: UniqueID?

    /// Writes what `GET /deliveries` shows; with attempts, what `GET /deliveries/{id}` does.
    public func write(to writer: inout JSONWriter, attempts: [DeliveryAttempt]? = nil) {
        writer.object {
            $0.member("id", id.description)
            $0.member("type", kind.rawValue)
            $0.member("status", status.rawValue)
            $0.member("trigger_id", triggerID.description)
            $0.member("trigger_version", Int64(triggerVersion))
            $0.member("action_index", actionIndex)
            $0.member("firing_id", firingID.description)
            $0.member("event_id", eventID.description)
            $0.member("attempt", attempt)
            $0.member("max_attempts", maxAttempts)
            $0.member("endpoint", endpoint)
            $0.member("run_at", runAt.rfc3339)
            $0.member("next_attempt_reason", nextAttemptReason)
            $0.member("last_error", lastError)
            $0.member("created_at", createdAt.rfc3339)
            $0.member("finished_at", finishedAt?.rfc3339)
            if partsSent > 0 { $0.member("parts_sent", partsSent) }
            $0.member("replay_of", replayOf?.description)
            $0.member("replayed_as", replayedAs?.description)
            $0.member("replay_id", replayID?.description)
            if let attempts {
                $0.key("attempts")
                $0.array { array in
                    for attempt in attempts { attempt.write(to: &array) }
                }
            }
        }
    }
}

/// One attempt of a delivery that has ended.
public struct DeliveryAttempt: Sendable, Equatable {
    /// Its number, from 1.
    public let number: Int
    /// When it began.
    public let startedAt: Timestamp
    /// How long it took.
    public let durationMilliseconds: Int
    /// The HTTP status of the answer, if there was one.
    public let statusCode: Int?
    /// What went wrong, without secrets.
    public let error: String?
    /// The beginning of the request, without secrets.
    public let request: String?
    /// The beginning of the answer.
    public let response: String?
    /// What `AttemptDetails` is as JSON; nil for attempts that sent nothing.
    public let details: [UInt8]?
    /// When the next attempt was due as it looked then; nil when none was to follow.
    public let nextAttemptAt: Timestamp?
    /// Why then.
    public let nextAttemptReason: String?

    /// Writes one element of a delivery's `attempts`.
    public func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("attempt", number)
            $0.member("started_at", startedAt.rfc3339)
            $0.member("duration_ms", durationMilliseconds)
            if let statusCode { $0.member("status_code", statusCode) } else { $0.memberNull("status_code") }
            $0.member("error", error)
            $0.member("request", request)
            $0.member("response", response)
            if let details { $0.memberRaw("details", details) } else { $0.memberNull("details") }
            $0.member("next_attempt_at", nextAttemptAt?.rfc3339)
            $0.member("next_attempt_reason", nextAttemptReason)
        }
    }
}

/// Why a delivery was given back unattempted.
public enum PutOffCause: String, Sendable, CaseIterable {
    /// The circuit breaker of its endpoint let nothing through.
    case breaker
    /// Its endpoint had no free slot.
    case endpointBusy = "endpoint_busy"
    /// Its action has been carried out as often as its rate limit allows.
    case rateLimit = "rate_limit"
    /// The receiver takes no more for now, by a limit of its own that is known.
    case receiverLimit = "receiver_limit"
    /// Its worker was stopped.
    case shutdown
}

/// A delivery that is ready, as far as the queue needs to know it.
public struct ReadyDelivery: Sendable, Hashable {
    /// The delivery.
    public let id: UniqueID
    /// What kind of action it is, and so which list it belongs in.
    public let kind: ActionKind

    /// Makes an entry.
    public init(id: UniqueID, kind: ActionKind) {
        self.id = id
        self.kind = kind
    }
}

extension UniqueID {
    /// The `created_at` of the row with this version 7 id, which names its partition.
    var creationTime: Timestamp { Timestamp(milliseconds: timestampMilliseconds) }
}
