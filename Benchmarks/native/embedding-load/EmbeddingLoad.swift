import EmbeddingSource
import EventModel
import FrameModel
import Glibc
import JSONTree
import Logging
import Runtime
import ServiceLifecycle
import TextModel

/// Embeds texts as fast as it goes, for the benchmarks.
///
///     embedding-load vectors TEXTS             the lexical vector of each text, a line of JSON each
///     embedding-load lexical TEXTS COUNT       so many lexical vectors, of the texts in turn
///     embedding-load cached TEXTS COUNT URL    so many by an endpoint that has answered for each text before
///     embedding-load endpoint TEXTS COUNT URL  so many by an endpoint, each text another
///
/// TEXTS is a file with a text a line; each becomes an event of type `Message`. What it did is printed as one JSON
/// object.
@main
struct EmbeddingLoad {
    /// As many as the writer frames at a time.
    private static let batch = 500

    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3, let texts = read(arguments[2]), !texts.isEmpty else { return usage() }
        switch (arguments[1], arguments.count) {
        case ("vectors", 3): for event in try texts.map({ try event($0) }) { say(LexicalEmbedder().vector(of: event)) }
        case ("lexical", 4): try lexical(texts, Int(arguments[3]) ?? 0)
        case ("cached", 5): try await byEndpoint(texts, Int(arguments[3]) ?? 0, arguments[4], isCached: true)
        case ("endpoint", 5): try await byEndpoint(texts, Int(arguments[3]) ?? 0, arguments[4], isCached: false)
        default: usage()
        }
    }

    private static func lexical(_ texts: [String], _ count: Int) throws {
        let events = try texts.map { try event($0) }
        let embedder = LexicalEmbedder()
        var sum: Float = 0
        let (start, used) = (monotonicSeconds(), cpuSeconds())
        for number in 0..<count { sum += embedder.vector(of: events[number % events.count])[0] }
        report(count, since: start, used)
        // So that nothing is left out as unused.
        if sum.isNaN { exit(1) }
    }

    private static func byEndpoint(_ texts: [String], _ count: Int, _ url: String, isCached: Bool) async throws {
        let settings = ModelSettings(baseURL: url, apiKey: "sk-bench", model: "bench")
        var logger = Logger(label: "embedding-load")
        logger.logLevel = .warning
        var limits = EndpointEmbedder.Limits()
        // What is measured is how many requests are kept under way, and not what is given up.
        limits.patience = .seconds(30)
        guard let embedder = try EndpointEmbedder(settings, limits: limits, logger: logger) else { return usage() }
        let group = ServiceGroup(services: [embedder], logger: logger)
        async let running: Void = group.run()
        let known = try texts.prefix(batch).map { try event($0) }
        if isCached { while await embedder.embed(known).contains(where: { $0.origin != .model }) {} }
        var (done, answered) = (0, 0)
        // Made beforehand: a batch that is asked for again is as good as cached.
        let batches =
            isCached
            ? [known]
            : try stride(from: 0, to: count, by: batch).map { first in
                try (first..<min(count, first + batch)).map { try event("\(texts[$0 % texts.count]) \($0)") }
            }
        let (start, used) = (monotonicSeconds(), cpuSeconds())
        while done < count {
            let events = batches[(done / batch) % batches.count]
            answered += await embedder.embed(events).count { $0.origin == .model }
            done += events.count
        }
        report(answered, since: start, used)
        await group.triggerGracefulShutdown()
        try await running
    }

    private static func event(_ text: String) throws -> ParsedEvent {
        var data = JSONWriter()
        data.object { $0.member("text", text) }
        let time = Timestamp(microseconds: 0)
        return try ParsedEvent(
            Event(
                id: UniqueID(high: 1, low: 1), organizationID: UniqueID(high: 0, low: 1), part: 0, position: 1,
                type: "Message", source: "", subject: nil, time: time, receivedAt: time, producerID: nil,
                traceparent: nil, data: data.bytes))
    }

    private static func read(_ path: String) -> [String]? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var lines: [String] = []
        var buffer = [CChar](repeating: 0, count: 65_536)
        while fgets(&buffer, Int32(buffer.count), file) != nil {
            let line = buffer.prefix { $0 != 0 && $0 != 10 }
            lines.append(String(decoding: line.map { UInt8(bitPattern: $0) }, as: UTF8.self))
        }
        return lines
    }

    private static func report(_ count: Int, since start: Double, _ used: Double) {
        let (seconds, cpu) = (monotonicSeconds() - start, cpuSeconds() - used)
        say(#"{"frames": \#(count), "seconds": \#(seconds), "cpu_seconds": \#(cpu)}"#)
    }

    private static func usage() {
        say("usage: embedding-load vectors TEXTS | lexical TEXTS COUNT | cached|endpoint TEXTS COUNT URL")
        exit(2)
    }

    private static func say(_ vector: [Float]) {
        var writer = JSONWriter()
        writer.array { for value in vector { $0.double(Double(value)) } }
        say(String(decoding: writer.bytes, as: UTF8.self))
    }

    private static func say(_ text: String) {
        puts(text)
        fflush(nil)
    }

    private static func monotonicSeconds() -> Double { seconds(CLOCK_MONOTONIC) }

    private static func cpuSeconds() -> Double { seconds(CLOCK_PROCESS_CPUTIME_ID) }

    private static func seconds(_ clock: clockid_t) -> Double {
        var now = timespec()
        clock_gettime(clock, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }
}
