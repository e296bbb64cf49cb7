import ArgumentParser
import EventModel
import JSONTree
import Outbound
import Runtime

struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Shows events as they are stored.",
        discussion: """
            EXAMPLES:
              collider tail
              collider tail --type PaymentProcessed --since 2026-01-01T00:00:00Z
              collider tail --json | jq .data
            """)

    @Option(help: "Only events of this type.")
    var type: String?

    @Option(help: "Start with events received at or after this time (RFC 3339) [default: now].")
    var since: String?

    @Flag(help: "One JSON object a line, as the API gives it.")
    var json = false

    @OptionGroup var api: APIAccess

    func run() async throws {
        let start = try startTime()
        try await api.withClient { client in
            var cursor: String?
            while !Task.isCancelled {
                let page = try await client.json("GET", path(from: start, cursor: cursor)).root
                for event in page["data"]?.elements.map({ $0 }) ?? [] {
                    show(event)
                    // A list that has been read to its end gives no cursor; the last event shown is where it goes on.
                    cursor = event["id"]?.string
                }
                if page["data"]?.count != Self.pageSize { try await Task.sleep(for: .milliseconds(500)) }
            }
        }
    }

    private static let pageSize = 200

    private func startTime() throws -> Timestamp {
        guard let since else { return .now() }
        guard let time = Timestamp(rfc3339: since) else {
            throw ValidationError("--since takes a time such as 2026-01-31T12:00:00Z")
        }
        return time
    }

    private func path(from start: Timestamp, cursor: String?) -> String {
        var query = [("limit", String(Self.pageSize)), ("order", "asc"), ("from", start.rfc3339)]
        if let type { query.append(("type", type)) }
        if let cursor { query.append(("cursor", cursor)) }
        return "/api/v1/events?" + query.map { "\($0)=\(PercentEncoding.encode($1))" }.joined(separator: "&")
    }

    private func show(_ event: JSONValue) {
        if json { return Terminal.line(String(decoding: event.source, as: UTF8.self)) }
        let time = event["received_at"]?.string ?? ""
        let subject = event["subject"]?.string.map { "  \($0)" } ?? ""
        let data = String(decoding: event["data"]?.source ?? [], as: UTF8.self)
        Terminal.line("\(time)  \(event["type"]?.string ?? "")\(subject)  \(data)")
    }
}
