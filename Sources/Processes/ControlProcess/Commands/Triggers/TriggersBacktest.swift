import ArgumentParser
import EventModel
import JSONTree
import Outbound
import Runtime

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
            guard let text, MomentText.read(text, before: .now()) == nil else { continue }
            throw ValidationError("\(name) takes \(MomentText.help)")
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
            return try await JobWatch(client: client, path: "/api/v1/backtests/\(order["id"]?.string ?? "")") {
                "\($0["events_read"]?.int64 ?? 0) events"
            }.run()
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
            $0.member("from", MomentText.read(from, before: now)?.rfc3339)
            if let to { $0.member("to", MomentText.read(to, before: now)?.rfc3339) }
        }
        return body.bytes
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
