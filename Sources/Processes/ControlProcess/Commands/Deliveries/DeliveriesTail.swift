import ArgumentParser
import JSONTree
import Outbound
import Runtime

struct DeliveriesTail: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail", abstract: "Shows deliveries as they are made, and each change of those it has shown.",
        discussion: """
            Asks once a second for the newest ones. Where more than 1000 are made in a second, some are left out.

            EXAMPLES:
              collider deliveries tail
              collider deliveries tail --trigger "Large payment" --json
            """)
    @OptionGroup var selection: DeliverySelection
    @Flag(help: "One JSON object a line, as the API gives it.") var json = false
    @OptionGroup var api: APIAccess

    func run() async throws {
        try await api.withClient { client in
            var seen = DeliveryChanges()
            let query = try await selection.query(client, limit: 1_000)
            var backoff = Backoff(initial: .milliseconds(500), maximum: .seconds(5))
            if !json { Terminal.line(DeliveryLine.head) }
            while !Task.isCancelled {
                do {
                    let page = try await client.json("GET", "/api/v1/deliveries?\(query)").root
                    for delivery in seen.take(page["data"]?.elements.map { $0 } ?? []) {
                        Terminal.line(json ? delivery.description : DeliveryLine(delivery).text(.output))
                    }
                    backoff.reset()
                    try await Task.sleep(for: .seconds(1))
                } catch let error as OutboundError where error.code == .unreachable {
                    Terminal.error("tail: \(error.message); asking again\n")
                    try await Task.sleep(for: backoff.next())
                }
            }
        }
    }
}

/// Finds what is new in one list after the other.
struct DeliveryChanges {
    /// Status and attempt of those that may still change, or are in the newest list.
    private var known: [String: String] = [:]
    private var isFirst = true

    /// The deliveries that are new or have changed, the oldest first; of the first list only those that are on their
    /// way.
    mutating func take(_ newestFirst: [JSONValue]) -> [JSONValue] {
        var changed: [JSONValue] = []
        var present: [String: String] = [:]
        for delivery in newestFirst.reversed() {
            guard let id = delivery["id"]?.string else { continue }
            let status = delivery["status"]?.string ?? ""
            let state = "\(status) \(delivery["attempt"]?.int64 ?? 0)"
            present[id] = state
            let isOld = isFirst && ["succeeded", "dead", "cancelled"].contains(status)
            if known[id] != state, !isOld { changed.append(delivery) }
        }
        known = present
        isFirst = false
        return changed
    }
}
