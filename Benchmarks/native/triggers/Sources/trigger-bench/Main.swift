import EventModel
import Foundation
import JSONTree
import TriggerEngine

/// Measures one thing on one thread and prints what came of it as a line of JSON, the last one.
///
///     trigger-bench MODE TRIGGERS EVENTS SECONDS
///
/// TRIGGERS has a line `{"event_types": […], "condition": …}` for each, or a whole trigger where the mode says so,
/// EVENTS `{"type": …, "data": …}`. Modes are the cases of ``Mode``.
@main
enum Main {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 5, let mode = Mode(rawValue: arguments[1]), let seconds = Double(arguments[4]) else {
            let modes = Mode.allCases.map(\.rawValue).joined(separator: "|")
            FileHandle.standardError.write(Data("usage: trigger-bench \(modes) TRIGGERS EVENTS SECONDS\n".utf8))
            exit(2)
        }
        let result = try mode.run(arguments[2], try Event.read(arguments[3]), seconds)
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

/// A trigger as the index sees it.
struct IndexedTrigger {
    let condition: Condition
    let eventTypes: [Glob]

    static func read(_ path: String) throws -> [IndexedTrigger] {
        try lines(path).map { line in
            let value = try JSONDocument(line).root
            guard let condition = value["condition"], let types = value["event_types"] else { throw Malformed() }
            return IndexedTrigger(
                condition: try Condition(condition, pointer: ""),
                eventTypes: try types.elements.map { try Glob($0.string ?? "", pointer: "") })
        }
    }
}

extension Trigger {
    /// Whole triggers, as the API takes them.
    static func read(_ path: String) throws -> [Trigger] {
        try lines(path).enumerated().map { number, line in
            Trigger(
                id: UniqueID(high: 2, low: UInt64(number)), organizationID: UniqueID(high: 1, low: 2), version: 1,
                definition: try TriggerDefinition(try JSONDocument(line).root),
                createdAt: Timestamp(microseconds: 0), updatedAt: Timestamp(microseconds: 0))
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

    /// The same at another time.
    func received(at time: Timestamp) -> Event {
        Event(
            id: id, organizationID: organizationID, part: part, position: position, type: type, source: source,
            subject: subject, time: time, receivedAt: time, producerID: producerID, traceparent: traceparent,
            data: data)
    }
}

struct Malformed: Error {}

private func lines(_ path: String) throws -> [[UInt8]] {
    try Data(contentsOf: URL(fileURLWithPath: path)).split(separator: UInt8(ascii: "\n")).map { Array($0) }
}
