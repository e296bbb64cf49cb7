import EventModel
import JSONTree
import Outbound
import Runtime
import Synchronization
import UnixSignals

/// Follows a job that a processor does, a backtest or a replay, to its end, over as many connections as it takes.
struct JobWatch: Sendable {
    let client: APIClient
    /// Where the API has the job; its progress is streamed below that.
    let path: String
    /// What to say beside the bar.
    let note: @Sendable (JSONValue) -> String

    /// The job when it has ended. A signal cancels it first.
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
            throw CommandError("nothing was heard of the job at \(path)")
        }
    }

    private func follow() async throws -> JSONValue? {
        let printer = JobPrinter(note: note)
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
    private func stream(_ printer: JobPrinter) async throws -> APIClient.Answer? {
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
private final class JobPrinter: Sendable {
    private struct State {
        var reader = ServerSentEvents()
        var bar = ProgressBar(total: 1_000)
        var ended: JSONValue?
    }

    private let note: @Sendable (JSONValue) -> String
    private let state = Mutex(State())

    init(note: @escaping @Sendable (JSONValue) -> String) {
        self.note = note
    }

    var ended: JSONValue? { state.withLock { $0.ended } }

    func reconnected() {
        state.withLock { $0.reader = ServerSentEvents() }
    }

    func take(_ bytes: [UInt8]) {
        state.withLock { state in
            for event in state.reader.take(bytes) {
                guard let job = try? JSONDocument(event.data).root else { continue }
                state.bar.show(
                    Int((job["progress"]?.double ?? 0) * 1_000), note: "\(note(job))  \(job["status"]?.string ?? "")")
                if event.name == "done" { state.ended = job }
            }
        }
    }

    func end() {
        state.withLock { $0.bar.finish() }
    }
}
