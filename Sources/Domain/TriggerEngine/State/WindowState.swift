/// The events of one group within a sliding window, as far as one function needs them.
///
/// An event costs constant time in the long run. The number is the same whatever way the window came to hold its
/// events: sums are worked out anew as often as a window has gone by, so that nothing of what left them stays.
///
/// A full window of time makes one entry of all that lie in the same 5,000th of it, so that an event leaves that much
/// late at most. To halve the entries whatever their times would not do: where they keep coming, the oldest would grow
/// with every time, and never leave.
struct WindowState: Sendable, Equatable {
    /// One event, or several neighbours: of `min` and `max` one that may yet become the extreme, of `distinct` the last
    /// one with its value.
    struct Entry: Sendable, Equatable {
        /// When the newest was received, or its number: what the window is measured in.
        var stamp: Int64
        /// How many events; of `distinct` the number of the event.
        var count: Int64
        /// Their sum; the extreme; the digest of the value.
        var value: Double
    }

    /// Into so many stretches a full window is divided.
    private static let stretches = Aggregate.maximumEvents / 2

    /// The latest time at which an event was received: time does not go back.
    var clock = Int64.min
    /// How many events have been counted, since the last reset.
    var seen: Int64 = 0
    var sum = 0.0
    /// What rounding has kept from the sum (Neumaier).
    var compensation = 0.0
    /// How many entries have left since the sum was worked out anew.
    var departed: Int64 = 0
    private(set) var entries: [Entry] = []
    private var head = 0
    private var count: Int64 = 0
    /// Of `distinct`: the number of the last event with each value.
    private var latest: [UInt64: Int64] = [:]

    /// The entries, the oldest first.
    var live: ArraySlice<Entry> { entries[head...] }

    /// Counts an event.
    ///
    /// - Parameters:
    ///   - value: of the field, 0 without one; of `distinct` the digest of its value.
    ///   - counts: raised when entries had to be merged, or a value forgotten.
    /// - Returns: the number, this event included.
    mutating func add(
        _ value: Double, at time: Int64, _ function: Aggregate.Function, _ window: Aggregate.Window,
        counts: inout StateCounts
    ) -> Double {
        clock = max(clock, time)
        seen += 1
        var stamp = clock
        var length = Int64.max
        switch window {
        case .time(let span): length = span
        case .events(let events):
            stamp = seen
            length = events
        case .weight(let weight):
            sum = seen == 1 ? value : weight * value + (1 - weight) * sum
            return sum
        }
        // In a damaged state entries may lie in the future; order among them is kept even there.
        if let last = entries.last, head < entries.count { stamp = max(stamp, last.stamp) }
        // Nothing is older than the beginning of time.
        let (horizon, isUnbounded) = stamp.subtractingReportingOverflow(length)
        if !isUnbounded { expire(upTo: horizon, function) }
        append(Entry(stamp: stamp, count: 1, value: value), function, &counts)
        if entries.count - head > Int(Aggregate.maximumEvents), function != .distinct {
            mergeNeighbours(function, stretch: max(1, length / Self.stretches))
            counts.mergedWindows += 1
        }
        return number(function)
    }

    /// Forgets the events, but not what time it is.
    mutating func reset() {
        let time = clock
        self = WindowState()
        clock = time
    }

    private func number(_ function: Aggregate.Function) -> Double {
        switch function {
        case .count: Double(count)
        case .sum, .ema: sum + compensation
        case .avg: (sum + compensation) / Double(count)
        case .min, .max: entries[head].value
        case .distinct: Double(latest.count)
        }
    }

    private mutating func expire(upTo horizon: Int64, _ function: Aggregate.Function) {
        while head < entries.count, entries[head].stamp <= horizon {
            let entry = entries[head]
            head += 1
            switch function {
            case .count: count -= entry.count
            case .sum, .avg:
                count -= entry.count
                addToSum(-entry.value)
                departed += 1
            case .distinct:
                if latest[entry.value.bitPattern] == entry.count { latest[entry.value.bitPattern] = nil }
            case .min, .max, .ema: break
            }
        }
        if head > 32, head * 2 > entries.count {
            entries.removeFirst(head)
            head = 0
        }
        if departed > 0, departed >= Int64(entries.count - head) { sumAnew() }
    }

    private mutating func append(_ entry: Entry, _ function: Aggregate.Function, _ counts: inout StateCounts) {
        switch function {
        case .count, .sum, .avg:
            count += 1
            if function != .count { addToSum(entry.value) }
            // Events of one moment leave together.
            if let last = entries.last, head < entries.count, last.stamp == entry.stamp {
                entries[entries.count - 1].count += 1
                entries[entries.count - 1].value += entry.value
                return
            }
        case .min:
            while head < entries.count, let last = entries.last, last.value >= entry.value { entries.removeLast() }
        case .max:
            while head < entries.count, let last = entries.last, last.value <= entry.value { entries.removeLast() }
        case .distinct:
            latest[entry.value.bitPattern] = seen
            entries.append(Entry(stamp: entry.stamp, count: seen, value: entry.value))
            dropOutdated(&counts)
            return
        case .ema: return
        }
        entries.append(entry)
    }

    /// Makes one entry of those in the same stretch of time, which leaves when its newest event does.
    private mutating func mergeNeighbours(_ function: Aggregate.Function, stretch: Int64) {
        var merged: [Entry] = []
        for entry in live {
            guard let last = merged.last, last.stamp / stretch == entry.stamp / stretch else {
                merged.append(entry)
                continue
            }
            // Of extremes the older is the more extreme one.
            let isExtreme = function == .min || function == .max
            merged[merged.count - 1] = Entry(
                stamp: entry.stamp, count: last.count + entry.count,
                value: isExtreme ? last.value : last.value + entry.value)
        }
        entries = merged
        head = 0
    }

    /// Of `distinct`: keeps the last event of each value, and no more values than there may be.
    private mutating func dropOutdated(_ counts: inout StateCounts) {
        guard entries.count - head > 2 * latest.count + 64 || latest.count > Int(Aggregate.maximumEvents) else {
            return
        }
        entries = live.filter { latest[$0.value.bitPattern] == $0.count }
        head = 0
        while latest.count > Int(Aggregate.maximumEvents) {
            latest[entries[head].value.bitPattern] = nil
            head += 1
            counts.forgottenValues += 1
        }
    }

    private mutating func addToSum(_ value: Double) {
        let total = sum + value
        compensation += abs(sum) >= abs(value) ? (sum - total) + value : (value - total) + sum
        sum = total
    }

    private mutating func sumAnew() {
        sum = 0
        compensation = 0
        departed = 0
        for entry in live { addToSum(entry.value) }
    }
}

// MARK: - Coding

extension WindowState {
    func encode(to writer: inout StateWriter) {
        writer.int(clock)
        writer.int(seen)
        writer.double(sum)
        writer.double(compensation)
        writer.int(departed)
        // What `distinct` no longer needs is left out.
        let kept = latest.isEmpty ? live : live.filter { latest[$0.value.bitPattern] == $0.count }[...]
        writer.int(Int64(kept.count))
        writer.int(latest.isEmpty ? 0 : 1)
        var last: Int64 = 0
        for entry in kept {
            writer.int(entry.stamp &- last)
            writer.int(entry.count)
            writer.double(entry.value)
            last = entry.stamp
        }
    }

    init(from reader: inout StateReader) throws(StateError) {
        clock = try reader.moment()
        seen = try reader.count()
        sum = try reader.double()
        compensation = try reader.double()
        departed = try reader.count()
        let number = try reader.int()
        let isDistinct = try reader.int() == 1
        guard (0...Aggregate.maximumEvents + 1).contains(number) else {
            throw StateError(detail: "a window is out of its bounds")
        }
        entries.reserveCapacity(Int(number))
        var last: Int64 = 0
        for _ in 0..<number {
            last = last &+ (try reader.int())
            let entry = Entry(stamp: last, count: try reader.count(), value: try reader.double())
            guard entry.count > 0, entry.count <= seen, entry.stamp >= entries.last?.stamp ?? -StateReader.farthest,
                entry.stamp <= StateReader.farthest
            else {
                throw StateError(detail: "a window is out of order")
            }
            entries.append(entry)
            if isDistinct {
                latest[entry.value.bitPattern] = entry.count
            } else {
                count += entry.count
                // No more than have been counted; so the sum of all is in bounds too.
                guard count <= seen else { throw StateError(detail: "a window holds more than it has seen") }
            }
        }
    }
}
