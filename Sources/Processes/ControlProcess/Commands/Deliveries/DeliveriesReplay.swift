import ArgumentParser
import EventModel
import JSONTree
import Outbound

struct DeliveriesReplay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Makes deliveries again, or runs the actions of past events again.",
        discussion: """
            Every delivery that matches and has come to its end is made again as a new one. With --events, the firings
            of those events run their triggers' actions again; nothing is evaluated again. Interrupting the command
            cancels the replay; what it has made stays.

            EXAMPLES:
              collider deliveries replay --status dead --from 1d
              collider deliveries replay --status dead --trigger "Large payment" --current --rate 20
              collider deliveries replay --events --from 2026-03-01 --to 2026-03-02 --trigger "Large payment"
              collider deliveries replay --events --event 0197a3f2-…
            """)
    @OptionGroup var selection: DeliverySelection
    @Flag(help: "Run the actions of the events that were received between --from and --to, or of --event.")
    var events = false
    @Option(help: "With --events, only events of this type.") var eventType: String?
    @Option(help: "Deliveries in a second, at most (1 to 10000) [default: 100].") var rate: Int?
    @Flag(help: "By the actions that the trigger has now, not by those of the version that fired.")
    var current = false
    @Flag(help: "Also those that were replayed before.") var again = false
    @Flag(help: "Do not wait for its end; print its id.") var detach = false
    @Flag(help: "The replay as JSON, as the API gives it.") var json = false
    @OptionGroup var api: APIAccess

    func validate() throws {
        guard !selection.isEmpty else { throw ValidationError("say which ones, with --status dead for example") }
        guard events || eventType == nil else { throw ValidationError("--event-type goes with --events") }
        guard !events || (selection.status == nil && selection.type == nil) else {
            throw ValidationError("--status and --type are about deliveries; they don't go with --events")
        }
        guard !events || !again else { throw ValidationError("--events runs the actions every time, without --again") }
    }

    func run() async throws {
        let ended = try await api.withClient { client in
            let order = try await client.json("POST", "/api/v1/deliveries/replay", body: order(client)).root
            guard !detach else { return order }
            return try await JobWatch(client: client, path: "/api/v1/replays/\(order["id"]?.string ?? "")") {
                let total = $0["total"]?.int64.map { " of \($0)" } ?? ""
                return "\($0["found"]?.int64 ?? 0)\(total)"
            }.run()
        }
        if json { return print(ended.description) }
        if detach { return print(ended["id"]?.string ?? "") }
        let made = "\(ended["made"]?.int64 ?? 0) deliveries made again"
        let skipped = ended["skipped"]?.int64 ?? 0
        switch ended["status"]?.string {
        case "succeeded": print(made + (skipped > 0 ? ", \(skipped) left out: event or action is gone" : ""))
        case "cancelled": throw CommandError("the replay was cancelled; \(made)")
        default: throw CommandError("the replay failed: \(ended["error"]?.string ?? "nobody knows why"); \(made)")
        }
    }

    private func order(_ client: APIClient) async throws -> [UInt8] {
        let members = try await selection.members(client)
        var body = JSONWriter()
        body.object { order in
            if events {
                let names = ["event_id": "id", "from": "from", "to": "to"]
                order.key("events")
                order.object { range in
                    range.members(members.compactMap { member in names[member.name].map { ($0, member.value) } })
                    if let eventType { range.member("type", eventType) }
                }
                order.members(members.filter { $0.name == "trigger_id" })
            } else {
                order.key("filter")
                order.object { $0.members(members) }
                if again { order.member("again", true) }
            }
            if current { order.member("version", "current") }
            if let rate { order.member("rate", rate) }
        }
        return body.bytes
    }
}
