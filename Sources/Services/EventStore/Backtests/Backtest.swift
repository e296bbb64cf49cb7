import EventModel
import JSONTree
import TriggerEngine

/// A trigger, or a draft, over the events that are stored.
public struct Backtest: Sendable {
    /// A version 7 UUID.
    public let id: UniqueID
    /// The trigger; nil for a draft.
    public let triggerID: UniqueID?
    /// Its version; nil for a draft.
    public let triggerVersion: Int32?
    /// The trigger's name.
    public let name: String
    /// The first moment of which events are read.
    public let from: Timestamp
    /// The moment before which they are.
    public let to: Timestamp
    /// Where it stands.
    public let status: JobStatus
    /// Events of the organization, and of the types that the trigger names, that were read.
    public let eventsRead: Int64
    /// The share of the log that was gone through, from 0 to 1.
    public let progress: Double
    /// What came of it, a JSON object; nil without.
    public let result: [UInt8]?
    /// Why it failed.
    public let error: String?
    /// When it was asked for.
    public let createdAt: Timestamp
    /// When a processor took it, the last one if several did.
    public let startedAt: Timestamp?
    /// When it ended.
    public let finishedAt: Timestamp?

    /// Writes the members of the backtest as the API shows it.
    ///
    /// - Parameter withResult: lists leave it out.
    public func write(to writer: inout JSONWriter, withResult: Bool = true) {
        writer.member("id", id.description)
        writer.member("trigger_id", triggerID?.description)
        if let triggerVersion { writer.member("trigger_version", Int(triggerVersion)) }
        writer.member("name", name)
        writer.member("from", from.rfc3339)
        writer.member("to", to.rfc3339)
        writer.member("status", status.rawValue)
        writer.member("progress", progress)
        writer.member("events_read", eventsRead)
        if withResult, let result { writer.memberRaw("result", result) }
        writer.member("error", error)
        writer.member("created_at", createdAt.rfc3339)
        writer.member("started_at", startedAt?.rfc3339)
        writer.member("finished_at", finishedAt?.rfc3339)
    }
}

/// What is to be tested.
public struct NewBacktest: Sendable {
    /// The longest stretch of time, in days.
    public static let maximumDays: Int64 = 366

    /// The trigger; of a draft only the definition counts.
    public let definition: TriggerDefinition
    /// Which stored trigger it is, and in which version; nil for a draft.
    public let stored: (id: UniqueID, version: Int32)?
    /// The first moment of which events are read.
    public let from: Timestamp
    /// The moment before which they are.
    public let to: Timestamp

    /// Makes an order of its members.
    public init(
        _ definition: TriggerDefinition, stored: (id: UniqueID, version: Int32)? = nil, from: Timestamp, to: Timestamp
    ) {
        self.definition = definition
        self.stored = stored
        self.from = from
        self.to = to
    }
}

/// A backtest that a processor has taken, for as long as its lease holds.
public struct BacktestWork: Sendable {
    /// Which backtest.
    public let id: UniqueID
    /// Whose it is.
    public let organizationID: UniqueID
    /// What is tested, without its actions.
    public let trigger: Trigger
    /// The kind of each of its actions.
    public let actionKinds: [String]
    /// The first moment of which events are read.
    public let from: Timestamp
    /// The moment before which they are.
    public let to: Timestamp
    /// How many processors have taken it, this one included.
    public let attempt: Int
    let token: UniqueID
}
