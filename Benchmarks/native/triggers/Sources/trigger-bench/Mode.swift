import EventModel
import Foundation
import JSONTree
import TriggerEngine

/// What is measured. A new one is a case and a function.
enum Mode: String, CaseIterable {
    /// Parses events and finds the triggers that match, by the index.
    case match
    /// The same by asking every trigger, compiled, in turn.
    case linear
    /// Parses events and reads the fields of ``Fields``, with no triggers.
    case read
    /// Parses the events' data alone, and reads the fields of ``Fields``.
    case door
    /// Decodes the fields of ``Fields`` with Foundation's JSONDecoder.
    case decode
    /// Prints the numbers of the triggers that each event matches, a line an event.
    case list
    /// Loads all triggers into an index; "events" are triggers.
    case load
    /// Replaces one trigger of all at a time; "events" are replacements.
    case change
    /// Parses events, a millisecond apart, and evaluates whole triggers with their states, as a backtest does.
    case engine

    func run(_ path: String, _ events: [Event], _ seconds: Double) throws -> Outcome {
        switch self {
        case .match: try measureMatching(IndexedTrigger.read(path), events, seconds)
        case .linear: try measureScanning(IndexedTrigger.read(path), events, seconds)
        case .read: try measureReading(events, seconds) { try ParsedEvent($0.pointee).data }
        case .door: try measureReading(events.map(\.data), seconds) { try JSONDocument($0.pointee).root }
        case .decode: try measureDecoding(events, seconds)
        case .list: try printMatches(IndexedTrigger.read(path), events)
        case .load: measureLoading(try IndexedTrigger.read(path), seconds)
        case .change: measureChanging(try IndexedTrigger.read(path), seconds)
        case .engine: try measureEngine(Trigger.read(path), events, seconds)
        }
    }
}

/// The fields that the generator's triggers look at.
struct Fields: Decodable {
    let region: String
    let agent: String
    let amount: Double
    let path: String
    let currency: String

    static let names = ["region", "agent", "amount", "path", "currency"]

    /// The same for the same fields, however they were read.
    var sum: Int {
        region.utf8.count + agent.utf8.count + Int(amount) + path.utf8.count + currency.utf8.count
    }
}

/// The processor time of this thread, in seconds: on a machine that others use too, it says what the work itself took.
private struct ThreadClock {
    var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// Goes through a list again and again until the time is up; the elements are lent, so that lending costs nothing.
private func repeating<Element>(
    _ list: [Element], _ seconds: Double, _ body: (UnsafePointer<Element>) throws -> Int
) rethrows -> Outcome {
    var outcome = Outcome()
    let clock = ThreadClock()
    try list.withUnsafeBufferPointer { list in
        guard let base = list.baseAddress else { return }
        let start = clock.now
        let end = start + seconds
        repeat {
            // The clock is looked at once for many events, and more often where they are dear.
            for _ in 0..<(outcome.events < 4_096 ? 16 : 256) {
                outcome.found += try body(base + outcome.events % list.count)
                outcome.events += 1
            }
        } while clock.now < end
        outcome.seconds = clock.now - start
    }
    return outcome
}

private func loaded(_ triggers: [IndexedTrigger]) -> ConditionIndex {
    var index = ConditionIndex()
    for trigger in triggers { _ = index.add(trigger.condition, eventTypes: trigger.eventTypes) }
    return index
}

private func measureMatching(_ triggers: [IndexedTrigger], _ events: [Event], _ seconds: Double) throws -> Outcome {
    var index = loaded(triggers)
    var matches: [ConditionIndex.Entry] = []
    // So that what is put in order at the first look is in order.
    for event in events { index.match(try ParsedEvent(event), into: &matches) }
    return try repeating(events, seconds) { event in
        matches.removeAll(keepingCapacity: true)
        let parsed = try ParsedEvent(event.pointee)
        index.match(parsed, into: &matches)
        return matches.count
    }
}

private func printMatches(_ triggers: [IndexedTrigger], _ events: [Event]) throws -> Outcome {
    var index = loaded(triggers)
    var outcome = Outcome()
    for event in events {
        var matches: [ConditionIndex.Entry] = []
        index.match(try ParsedEvent(event), into: &matches)
        print(matches.sorted().map(String.init).joined(separator: " "))
        outcome.events += 1
        outcome.found += matches.count
    }
    return outcome
}

private func measureScanning(_ triggers: [IndexedTrigger], _ events: [Event], _ seconds: Double) throws -> Outcome {
    let compiled = triggers.map { ($0.eventTypes, CompiledCondition($0.condition)) }
    return try repeating(events, seconds) { event in
        let parsed = try ParsedEvent(event.pointee)
        var matches = 0
        for (types, condition) in compiled
        where (types.isEmpty || types.contains { $0.matches(parsed.event.type) }) && condition.evaluate(parsed) {
            matches += 1
        }
        return matches
    }
}

private func measureReading<Element>(
    _ events: [Element], _ seconds: Double, _ parse: (UnsafePointer<Element>) throws -> JSONValue
) throws -> Outcome {
    let names = Fields.names.map { Array($0.utf8) }
    var hints = [UInt32](repeating: 0, count: names.count)
    return try repeating(events, seconds) { event in
        try parse(event).withNodes { nodes throws in
            var sum = 0
            for index in names.indices {
                let place = names[index].withUnsafeBufferPointer {
                    nodes.member(of: nodes.root, $0, hint: hints[index])
                }
                hints[index] = place
                switch nodes.form(at: place) {
                case .string: sum += nodes.string(at: place).count
                case .signed: sum += Int(nodes.bits(at: place))
                case .double: sum += Int(Double(bitPattern: nodes.bits(at: place)))
                default: throw Malformed()
                }
            }
            return sum
        }
    }
}

private func measureDecoding(_ events: [Event], _ seconds: Double) throws -> Outcome {
    let decoder = JSONDecoder()
    return try repeating(events.map { Data($0.data) }, seconds) {
        try decoder.decode(Fields.self, from: $0.pointee).sum
    }
}

private func measureLoading(_ triggers: [IndexedTrigger], _ seconds: Double) -> Outcome {
    var outcome = Outcome()
    let clock = ThreadClock()
    repeat {
        let start = clock.now
        let index = loaded(triggers)
        outcome.seconds += (clock.now - start)
        outcome.events += index.count
        outcome.found = index.count
    } while outcome.seconds < seconds
    return outcome
}

private func measureChanging(_ triggers: [IndexedTrigger], _ seconds: Double) -> Outcome {
    var index = ConditionIndex()
    var entries = triggers.map { index.add($0.condition, eventTypes: $0.eventTypes) }
    var outcome = Outcome()
    let clock = ThreadClock()
    let start = clock.now
    while clock.now - start < seconds {
        // Far from one another, so that it is not the same corner of memory again and again.
        let changed = outcome.events &* 7_919 % triggers.count
        index.remove(entries[changed])
        entries[changed] = index.add(triggers[changed].condition, eventTypes: triggers[changed].eventTypes)
        outcome.events += 1
    }
    outcome.seconds = (clock.now - start)
    outcome.found = index.count
    return outcome
}

private func measureEngine(_ triggers: [Trigger], _ events: [Event], _ seconds: Double) throws -> Outcome {
    var runs = triggers.map { TriggerDryRun($0) }
    var microseconds: Int64 = 1_772_000_000_000_000
    return try repeating(events, seconds) { event in
        microseconds += 1_000
        let parsed = try ParsedEvent(event.pointee.received(at: Timestamp(microseconds: microseconds)))
        var matches = 0
        for index in runs.indices { matches += runs[index].take(parsed).count }
        return matches
    }
}
