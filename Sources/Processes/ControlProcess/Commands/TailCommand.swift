import ArgumentParser
import EventModel
import Glibc
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
        setvbuf(stdout, nil, _IOLBF, 0)
        try await api.withClient { client in
            var cursor: String?
            while !Task.isCancelled {
                let page = try await client.json("GET", path(from: start, cursor: cursor)).root
                for event in page["data"]?.elements.map({ $0 }) ?? [] { show(event) }
                cursor = page["next_cursor"]?.string ?? cursor
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
        if json { return print(String(decoding: event.source, as: UTF8.self)) }
        let time = event["received_at"]?.string ?? ""
        let subject = event["subject"]?.string.map { "  \($0)" } ?? ""
        print("\(time)  \(event["type"]?.string ?? "")\(subject)  \(String(decoding: event["data"]?.source ?? [], as: UTF8.self))")
    }
}
