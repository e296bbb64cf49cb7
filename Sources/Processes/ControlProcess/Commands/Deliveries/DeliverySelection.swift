import ArgumentParser
import EventModel
import JSONTree
import Outbound
import Runtime

/// Which deliveries a command is about.
struct DeliverySelection: ParsableArguments {
    @Option(help: "Only those with this status: ready, running, scheduled, succeeded, dead or cancelled.")
    var status: String?
    @Option(help: "Only those of this trigger (name or id).") var trigger: String?
    @Option(help: "Only those of this event (id).") var event: String?
    @Option(help: "Only those of this type of action, like rest.") var type: String?
    @Option(help: "Only those made since then: \(MomentText.help).") var from: String?
    @Option(help: "Only those made before then, in the same way.") var to: String?

    var isEmpty: Bool { [status, trigger, event, type, from, to].allSatisfy { $0 == nil } }

    func validate() throws {
        for (name, text) in [("--from", from), ("--to", to)] {
            guard let text, MomentText.read(text, before: .now()) == nil else { continue }
            throw ValidationError("\(name) takes \(MomentText.help)")
        }
    }

    /// Names and values, as lists and filters take them.
    func members(_ client: APIClient) async throws -> [(name: String, value: String)] {
        let now = Timestamp.now()
        let moment = { (text: String) in MomentText.read(text, before: now)?.rfc3339 }
        let members: [(name: String, value: String?)] = [
            ("status", status), ("trigger_id", try await Self.triggerID(trigger, client)), ("event_id", event),
            ("type", type), ("from", from.flatMap(moment)), ("to", to.flatMap(moment)),
        ]
        return members.compactMap { name, value in value.map { (name, $0) } }
    }

    /// The id of a trigger by its name or id; one that was deleted has its id only.
    static func triggerID(_ trigger: String?, _ client: APIClient) async throws -> String? {
        guard let trigger else { return nil }
        if UniqueID(trigger) != nil { return trigger }
        return try await TriggerDirectory.load(client).find(trigger).id
    }

    /// The query of a list.
    func query(_ client: APIClient, limit: Int, cursor: String? = nil) async throws -> String {
        var pairs = try await members(client)
        pairs.append(("limit", String(limit)))
        if let cursor { pairs.append(("cursor", cursor)) }
        return pairs.map { "\($0.name)=\(PercentEncoding.encode($0.value))" }.joined(separator: "&")
    }
}

extension JSONWriter {
    /// Writes the members of a filter.
    mutating func members(_ members: [(name: String, value: String)]) {
        for (name, value) in members { member(name, value) }
    }
}
