import EventModel
import Foundation
import JSONTree
import TriggerEngine

/// Measures one thing on one thread and prints what came of it as a line of JSON, the last one.
///
///     trigger-bench MODE TRIGGERS EVENTS SECONDS
///
/// TRIGGERS has a line `{"event_types": […], "condition": …}` for each, EVENTS `{"type": …, "data": …}`. Modes are the
/// cases of ``Mode``.
@main
enum Main {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 5, let mode = Mode(rawValue: arguments[1]), let seconds = Double(arguments[4]) else {
            let modes = Mode.allCases.map(\.rawValue).joined(separator: "|")
            FileHandle.standardError.write(Data("usage: trigger-bench \(modes) TRIGGERS EVENTS SECONDS\n".utf8))
            exit(2)
        }
        let triggers = try Trigger.read(arguments[2])
        let events = try Event.read(arguments[3])
        let result = try mode.run(triggers, events, seconds)
        print(
            #"{"events":\#(result.events),"seconds":\#(result.seconds),"found":\#(result.found),"#
                + #""memory_megabytes":\#(residentMegabytes())}"#)
    }

    /// What the process holds in memory.
    private static func residentMegabytes() -> Double {
        let fields = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ") ?? []
        return fields.count > 1 ? (Double(fields[1]) ?? 0) * Double(getpagesize()) / 1e6 : 0
    }
}

/// What was done, in what time.
struct Outcome {
    var events = 0
    var seconds = 0.0
    /// Matches, or whatever else shows that the work was done: the same in every mode that does the same.
    var found = 0
}

/// A trigger as the engine sees it.
struct Trigger {
    let condition: Condition
    let eventTypes: [Glob]

    static func read(_ path: String) throws -> [Trigger] {
        try lines(path).map { line in
            let value = try JSONDocument(line).root
            guard let condition = value["condition"], let types = value["event_types"] else { throw Malformed() }
            return Trigger(
                condition: try Condition(condition, pointer: ""),
                eventTypes: try types.elements.map { try Glob($0.string ?? "", pointer: "") })
        }
    }
}

extension Event {
    static func read(_ path: String) throws -> [Event] {
        try lines(path).map { line in
            let value = try JSONDocument(line).root
            guard let type = value["type"]?.string, let data = value["data"] else { throw Malformed() }
            let time = Timestamp(milliseconds: 1_772_000_000_000)
            return Event(
                id: UniqueID(high: 1, low: 1), organizationID: UniqueID(high: 1, low: 2), part: 0, position: 1,
                type: type, source: "bench", subject: nil, time: time, receivedAt: time, producerID: nil,
                traceparent: nil, data: Array(data.source))
        }
    }
}

struct Malformed: Error {}

private func lines(_ path: String) throws -> [[UInt8]] {
    try Data(contentsOf: URL(fileURLWithPath: path)).split(separator: UInt8(ascii: "\n")).map { Array($0) }
}
