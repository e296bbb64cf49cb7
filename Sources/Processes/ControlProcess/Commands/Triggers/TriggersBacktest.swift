import ArgumentParser
import EventModel
import JSONTree
import Outbound
import Runtime
import Synchronization
import UnixSignals

struct TriggersBacktest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backtest", abstract: "Says what a trigger would have done with the events that are stored.",
        discussion: """
            Windows, cooldowns, sequences and absences are counted from nothing at the beginning. Interrupting the
            command cancels the backtest.

            EXAMPLES:
              collider triggers backtest "Large payment" --from 7d
              collider triggers backtest "Large payment" --from 2026-03-01 --to 2026-03-08T12:00:00Z
              collider triggers backtest -f triggers/large-payment.yaml --from 30d --json
            """)
    @Argument(help: "Name or id of a stored trigger.") var trigger: String?
    @Option(name: [.short, .long], help: "A file with one trigger, instead.") var file: String?
    @Option(help: "Where to begin: a day, a time (RFC 3339), or how long ago, like 12h or 7d.") var from: String
    @Option(help: "Where to end, in the same way [default: now].") var to: String?
    @Flag(help: "The result as JSON, as the API gives it.") var json = false
    @OptionGroup var api: APIAccess

    func validate() throws {
        guard (trigger == nil) != (file == nil) else { throw ValidationError("give either a trigger or --file") }
        for (name, text) in [("--from", from), ("--to", to)] {
            guard let text, Self.moment(text, before: .now()) == nil else { continue }
            throw ValidationError("\(name) takes a day, an RFC 3339 time, or how long ago, like 12h or 7d")
        }
    }

    func run() async throws {
        let draft = try file.map { try TriggerFile.one($0) }
        let ended = try await api.withClient { client in
            let path: String
            if draft == nil {
                path = try await TriggerDirectory.load(client).find(trigger ?? "").path + "/backtest"
            } else {
                path = "/api/v1/triggers/backtest"
            }
            let order = try await client.json("POST", path, body: order(draft)).root
            return try await BacktestWatch(client: client, path: "/api/v1/backtests/\(order["id"]?.string ?? "")").run()
        }
        if json { return print(ended.description) }
        switch ended["status"]?.string {
        case "succeeded": BacktestText(ended).lines.forEach { print($0) }
        case "cancelled": throw CommandError("the backtest was cancelled")
        default: throw CommandError("the backtest failed: \(ended["error"]?.string ?? "nobody knows why")")
        }
    }

    private func order(_ draft: JSONValue?) -> [UInt8] {
        let now = Timestamp.now()
        var body = JSONWriter()
        body.object {
            if let draft { $0.memberRaw("trigger", draft.source) }
            $0.member("from", Self.moment(from, before: now)?.rfc3339)
            if let to { $0.member("to", Self.moment(to, before: now)?.rfc3339) }
        }
        return body.bytes
    }

    /// `2026-03-01`, an RFC 3339 time, or `30m`, `12h`, `7d` ago.
    static func moment(_ text: String, before now: Timestamp) -> Timestamp? {
        if let moment = Timestamp(rfc3339: text) ?? Timestamp(rfc3339: "\(text)T00:00:00Z") { return moment }
        let seconds: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let unit = text.last.flatMap({ seconds[$0] }), let count = Int64(text.dropLast()),
            (1...1_000_000_000).contains(count)
        else { return nil }
        return Timestamp(microseconds: now.microseconds - count * unit * 1_000_000)
    }
}

/// Follows a backtest to its end, over as many connections as it takes.
private struct BacktestWatch: Sendable {
    let client: APIClient
    let path: String

    /// The backtest when it has ended. A signal cancels it first.
    func run() async throws -> JSONValue {
        try await withThrowingTaskGroup(of: JSONValue?.self) { group in
            group.addTask { try await follow() }
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
                    return try await client.json("DELETE", path).root
                }
                return nil
            }
            defer { group.cancelAll() }
            while let ended = try await group.next() {
                if let ended { return ended }
            }
            throw CommandError("nothing was heard of the backtest")
        }
    }

    private func follow() async throws -> JSONValue? {
        let printer = BacktestPrinter()
        defer { printer.end() }
        var backoff = Backoff(initial: .milliseconds(200), maximum: .seconds(5))
        while !Task.isCancelled {
            if let answer = try await stream(printer), answer.status != 200, answer.status < 500 {
                throw CommandError(APIClient.explain(answer.status, answer.body))
            }
            if let ended = printer.ended { return ended }
            try await Task.sleep(for: backoff.next())
            printer.reconnected()
        }
        return nil
    }

    /// One connection; nil when it broke or could not be made, as while a gateway restarts.
    private func stream(_ printer: BacktestPrinter) async throws -> APIClient.Answer? {
        do throws(OutboundError) {
            return try await client.stream("\(path)/stream", headers: [("accept", "text/event-stream")]) {
                printer.take($0)
            }
        } catch {
            guard error.code == .unreachable else { throw CommandError(error.message) }
            return nil
        }
    }
}

/// Shows progress as it comes, and keeps the end.
private final class BacktestPrinter: Sendable {
    private struct State {
        var reader = ServerSentEvents()
        var bar = ProgressBar(total: 1_000)
        var ended: JSONValue?
    }

    private let state = Mutex(State())

    var ended: JSONValue? { state.withLock { $0.ended } }

    func reconnected() {
        state.withLock { $0.reader = ServerSentEvents() }
    }

    func take(_ bytes: [UInt8]) {
        state.withLock { state in
            for event in state.reader.take(bytes) {
                guard let backtest = try? JSONDocument(event.data).root else { continue }
                let note = "\(backtest["events_read"]?.int64 ?? 0) events  \(backtest["status"]?.string ?? "")"
                state.bar.show(Int((backtest["progress"]?.double ?? 0) * 1_000), note: note)
                if event.name == "done" { state.ended = backtest }
            }
        }
    }

    func end() {
        state.withLock { $0.bar.finish() }
    }
}

/// The result of a backtest as lines: totals, a bar for each day, some firings.
struct BacktestText {
    private static let width = 40
    private static let maximumBars = 62
    private static let maximumSamples = 5

    let lines: [String]

    init(_ backtest: JSONValue) {
        let result = backtest["result"]
        let count = { (name: String) in result?[name]?.int64 ?? 0 }
        var lines = [
            "\(count("fired")) fired, \(count("suppressed")) suppressed, over \(count("events")) events from "
                + "\(backtest["from"]?.string ?? "") to \(backtest["to"]?.string ?? "")"
        ]
        if result?["complete"]?.bool == false {
            lines.append(
                "It was stopped at \(result?["read_until"]?.string ?? "its beginning"): that is as much as one reads.")
        }
        let deliveries = result?["deliveries"]?.members.map { "\($1.int64 ?? 0) \($0)" } ?? []
        if !deliveries.isEmpty { lines.append("It would have made " + deliveries.joined(separator: ", ")) }
        lines += Self.chart(result?["days"])
        let samples = Array(result?["samples"]?.elements.map { $0 } ?? []).prefix(Self.maximumSamples)
        if !samples.isEmpty { lines += ["", "First firings:"] }
        for sample in samples {
            lines.append("  \(sample["at"]?.string ?? "")  event \(sample["event_id"]?.string ?? "")")
        }
        self.lines = lines
    }

    /// A bar for each day from the first with a match to the last; of longer times for each week or more.
    private static func chart(_ days: JSONValue?) -> [String] {
        let counts: [(day: Int64, fired: Int64, suppressed: Int64)] =
            days?.elements.compactMap { day in
                day["date"]?.string.flatMap { Timestamp(rfc3339: "\($0)T00:00:00Z") }.map {
                    ($0.microseconds / dayLength, day["fired"]?.int64 ?? 0, day["suppressed"]?.int64 ?? 0)
                }
            } ?? []
        guard let first = counts.first?.day, let last = counts.last?.day else { return [] }
        var step: Int64 = 1
        while (last - first) / step >= Int64(maximumBars) { step = step == 1 ? 7 : step * 2 }
        var bars = (0...Int((last - first) / step)).map {
            (day: first + Int64($0) * step, fired: Int64(0), suppressed: Int64(0))
        }
        for count in counts {
            bars[Int((count.day - first) / step)].fired += count.fired
            bars[Int((count.day - first) / step)].suppressed += count.suppressed
        }
        let most = max(1, bars.map(\.fired).max() ?? 1)
        let title = step == 1 ? "Fired, by day:" : "Fired, by \(step) days:"
        return ["", title]
            + bars.map { bar in
                let filled = Int((Double(bar.fired) / Double(most) * Double(width)).rounded(.up))
                let date = String(Timestamp(microseconds: bar.day * dayLength).rfc3339.prefix(10))
                let note = bar.suppressed > 0 ? "  (\(bar.suppressed) suppressed)" : ""
                return "  \(date)  " + String(repeating: "█", count: filled).padded(to: width + 1)
                    + "\(bar.fired)\(note)"
            }
    }

    private static let dayLength: Int64 = 86_400 * 1_000_000
}
