import ArgumentParser
import JSONTree
import Outbound

struct TriggersTest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Tries a trigger with events of a file; nothing is stored or sent.",
        discussion: """
            The events are taken in their order, and windows and timers go by their `received_at`, or else their `time`.
            --until lets the clock run on after the last one, for a trigger that fires when nothing comes.

            EXAMPLES:
              collider triggers test "Large payment" --events events.ndjson
              collider triggers test -f triggers/large-payment.yaml --events events.json
              echo '{"type":"PaymentProcessed","data":{"amount":2000}}' | collider triggers test "Large" --events -
            """)
    @Argument(help: "Name or id of a stored trigger.") var trigger: String?
    @Option(name: [.short, .long], help: "A file with one trigger, instead.") var file: String?
    @Option(help: "Events: a JSON object, an array, or one object a line; - for standard input.") var events: String
    @Option(help: "How far the clock runs on after the last event (RFC 3339).") var until: String?
    @Flag(help: "Only what comes of each event, without the reasons.") var summary = false
    @Flag(help: "The answer as JSON, as the API gives it.") var json = false
    @OptionGroup var api: APIAccess

    func validate() throws {
        guard (trigger == nil) != (file == nil) else { throw ValidationError("give either a trigger or --file") }
    }

    func run() async throws {
        let draft = try file.map { try TriggerFile.one($0) }
        let input = try EventInput(events)
        var batches = input.batches(of: 1_000)
        guard let batch = try batches.next() else { return }
        guard try batches.next() == nil else { throw CommandError("a test takes at most 1000 events") }
        let answer = try await api.withClient { client in
            let id = draft == nil ? try await TriggerDirectory.load(client).find(trigger ?? "").id : nil
            var body = JSONWriter()
            body.object {
                if let id { $0.member("trigger_id", id) }
                if let draft { $0.memberRaw("trigger", draft.source) }
                $0.memberRaw("events", batch.body)
                if let until { $0.member("until", until) }
            }
            return try await client.json("POST", "/api/v1/triggers/test", body: body.bytes).root
        }
        if json { return print(answer.description) }
        Self.text(answer, style: .output, withReasons: !summary).forEach { print($0) }
    }

    /// The answer as lines.
    static func text(_ answer: JSONValue, style: TextStyle, withReasons: Bool) -> [String] {
        var lines: [String] = []
        for result in answer["results"]?.elements.map({ $0 }) ?? [] {
            let isFired = result["fired"]?.bool == true
            let word =
                isFired
                ? style("fires", .added)
                : result["suppressed"]?.bool == true
                    ? style("suppressed by the cooldown", .changed)
                    : result["reached"]?.bool == true ? "does not fire" : style("is not of its types", .faint)
            let number = (result["index"]?.int64 ?? 0) + 1
            let late = result["at"]?.string.flatMap { $0 == result["received_at"]?.string ? nil : " at \($0)" } ?? ""
            lines.append("\(number)  \(result["type"]?.string ?? "")  \(word)\(late)")
            guard withReasons else { continue }
            if let tree = result["explanation"] {
                lines += ExplanationText(style: style).lines(tree, depth: 2)
            }
            for action in result["actions"]?.elements.map({ $0 }) ?? [] {
                lines.append("    → \(action.description)")
            }
        }
        let (fired, suppressed) = (answer["fired"]?.int64 ?? 0, answer["suppressed"]?.int64 ?? 0)
        return lines + ["\(fired) fired, \(suppressed) suppressed"]
    }
}
