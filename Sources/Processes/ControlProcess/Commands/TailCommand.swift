import ArgumentParser
import EventModel
import JSONTree
import Outbound
import Runtime
import Synchronization

struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Shows events as they are stored.",
        discussion: """
            Goes on where it was when the connection is lost or the gateway restarts.

            EXAMPLES:
              collider tail
              collider tail --type PaymentProcessed --filter '{"field": "data.amount", "operator": "gt", "value": 100}'
              collider tail --json | jq .data
            """)

    @Option(help: "Only events of this type.")
    var type: String?

    @Option(help: "Only events of this subject.")
    var subject: String?

    @Option(help: "Only events of this source.")
    var source: String?

    @Option(help: "Only events of which this condition is true (JSON, as in a trigger).")
    var filter: String?

    @Option(help: "Start behind the event of this id [default: with the next event].")
    var since: String?

    @Flag(help: "One JSON object a line, as the API gives it.")
    var json = false

    @OptionGroup var api: APIAccess

    func run() async throws {
        let printer = TailPrinter(json: json, lastID: try startID())
        let path = path()
        try await api.withClient { client in
            var backoff = Backoff(initial: .milliseconds(200), maximum: .seconds(5))
            while !Task.isCancelled {
                var headers = [(name: "accept", value: "text/event-stream")]
                if let id = printer.lastID { headers.append(("last-event-id", id)) }
                printer.reconnected()
                let reason = try await Self.follow(path, headers, client, printer)
                if printer.hasReceived { backoff.reset() }
                Terminal.error("tail: \(reason); connecting again\n")
                try await Task.sleep(for: backoff.next())
            }
        }
    }

    /// Shows one stream to its end, and says why it ended.
    ///
    /// - Throws: ``CommandError`` when another try would end the same way.
    private static func follow(
        _ path: String, _ headers: [(name: String, value: String)], _ client: APIClient, _ printer: TailPrinter
    ) async throws -> String {
        let answer: APIClient.Answer
        do throws(OutboundError) {
            answer = try await client.stream(path, headers: headers) { printer.take($0) }
        } catch {
            guard error.code == .unreachable else { throw CommandError(error.message) }
            return error.message
        }
        if answer.status == 200 { return "the gateway has ended the stream" }
        let explanation = APIClient.explain(answer.status, answer.body)
        guard answer.status >= 500 else { throw CommandError(explanation) }
        return explanation
    }

    private func startID() throws -> String? {
        guard let since else { return nil }
        guard let id = UniqueID(since) else { throw ValidationError("--since takes the id of an event") }
        return id.description
    }

    private func path() -> String {
        let query = [("type", type), ("subject", subject), ("source", source), ("filter", filter)]
            .compactMap { name, value in value.map { "\(name)=\(PercentEncoding.encode($0))" } }
        return "/api/v1/events/stream" + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
    }
}

/// Shows what comes over the connections of one tail, and knows where the next has to go on.
private final class TailPrinter: Sendable {
    private struct State {
        var reader = ServerSentEvents()
        var lastID: String?
        var hasReceived = false
    }

    private let json: Bool
    private let state: Mutex<State>

    init(json: Bool, lastID: String?) {
        self.json = json
        state = Mutex(State(lastID: lastID))
    }

    /// The last event that was shown.
    var lastID: String? { state.withLock { $0.lastID } }

    /// Whether anything came over the present connection.
    var hasReceived: Bool { state.withLock { $0.hasReceived } }

    /// Half an event of a broken connection is forgotten: it comes again, whole.
    func reconnected() {
        state.withLock {
            $0.reader = ServerSentEvents()
            $0.hasReceived = false
        }
    }

    /// Prints on the spot, so that a terminal that is slow slows the connection and not the memory.
    func take(_ bytes: [UInt8]) {
        state.withLock { state in
            state.hasReceived = true
            for event in state.reader.take(bytes) where event.name == "message" { show(event.data) }
            state.lastID = state.reader.lastID ?? state.lastID
        }
    }

    private func show(_ text: String) {
        if json { return Terminal.line(text) }
        guard let event = try? JSONDocument(text).root else { return }
        let time = event["received_at"]?.string ?? ""
        let subject = event["subject"]?.string.map { "  \($0)" } ?? ""
        let data = String(decoding: event["data"]?.source ?? [], as: UTF8.self)
        Terminal.line("\(time)  \(event["type"]?.string ?? "")\(subject)  \(data)")
    }
}
