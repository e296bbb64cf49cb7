import ArgumentParser
import Glibc
import JSONTree
import Outbound
import SystemPackage

struct SendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Posts events from a file or standard input.",
        discussion: """
            Takes one JSON object, a JSON array, or NDJSON (one object a line). Good events are stored although others
            are refused; each refusal is shown with its line or index, and makes the exit status 1.

            EXAMPLES:
              collider send events.ndjson
              echo '{"type":"UserSignup","data":{"email":"alice@example.com"}}' | collider send -
            """)

    @Argument(help: "A file, or - for standard input.")
    var file: String

    @Option(help: "Events in one request (1 to 10000).")
    var batch = 500

    @OptionGroup var api: APIAccess

    func validate() throws {
        guard (1...10_000).contains(batch) else { throw ValidationError("--batch takes 1 to 10000") }
    }

    func run() async throws {
        let input = try EventInput(file)
        let total = try await api.withClient { client in try await send(input, client) }
        let summary = "\(total.accepted) accepted, \(total.duplicates) duplicates, \(total.rejected) rejected"
        print(summary)
        guard total.rejected == 0 else { throw ExitCode(1) }
    }

    private func send(_ input: EventInput, _ client: APIClient) async throws -> Tally {
        var progress = ProgressBar(total: input.size)
        var total = Tally()
        var chunks = input.batches(of: batch)
        while let chunk = try chunks.next() {
            let answer = try await client.json("POST", "/api/v1/events", body: chunk.body).root
            total.accepted += answer["accepted"]?.int64 ?? 0
            total.duplicates += answer["duplicates"]?.int64 ?? 0
            total.rejected += answer["rejected"]?.int64 ?? 0
            progress.show(chunk.bytesRead, note: "\(total.accepted) events")
            for result in answer["results"]?.elements.map({ $0 }) ?? [] where result["error"] != nil {
                let index = chunk.firstIndex + Int(result["index"]?.int64 ?? 0)
                progress.interrupt("event \(index + 1): \(result["error"]?["detail"]?.string ?? "refused")")
            }
        }
        progress.finish()
        return total
    }

    private struct Tally: Sendable {
        var accepted: Int64 = 0
        var duplicates: Int64 = 0
        var rejected: Int64 = 0
    }
}
