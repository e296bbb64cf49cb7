import EventModel
import FrameModel
import FrameRing
import Glibc

/// Writes or reads a ring as fast as it goes, for the benchmarks and for the tests of torn frames.
///
///     ring-load write PATH CAPACITY LAYOUT FRAMES
///     ring-load read PATH LAYOUT UNTIL
///
/// Every number in a frame follows from its id, so that a reader in any language can tell a mixture of two: all of the
/// embedding is the id modulo 61, the organization's hash and the time are the id itself. The writer begins when a line
/// comes on its standard input, having printed one. Either prints what it did as one JSON object.
@main
struct RingLoad {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        switch arguments.first {
        case "write" where arguments.count == 5: try write(Array(arguments.dropFirst()))
        case "read" where arguments.count == 4: try read(Array(arguments.dropFirst()))
        default:
            say("usage: ring-load write PATH CAPACITY LAYOUT FRAMES | read PATH LAYOUT UNTIL")
            exit(2)
        }
    }

    /// So many embeddings differ; a prime, so that no capacity puts the same one into a slot lap after lap.
    static let variety = 61

    private static func write(_ arguments: [String]) throws {
        guard let capacity = Int(arguments[1]), let layout = FrameLayout(rawValue: arguments[2]),
            let count = UInt64(arguments[3])
        else { exit(2) }
        let writer = try RingWriter(path: arguments[0], capacity: capacity, layout: layout, now: now())
        // Made beforehand, so that nothing is measured but the writer.
        let first = writer.head
        var frames = (0..<UInt64(variety)).map { place in
            var frame = Frame(eventID: UniqueID(high: 1, low: 2), time: now(), organizationHash: 0)
            frame.semantic = Array(repeating: Float((first + place) % UInt64(variety)), count: Frame.dimensions)
            return frame
        }
        say("ready")
        _ = readLine()
        let (start, usedBefore) = (monotonicSeconds(), cpuSeconds())
        var written: UInt64 = 0
        while written < count {
            let left = count - written
            if left < UInt64(variety) { frames.removeLast(variety - Int(left)) }
            for place in frames.indices { frames[place].tell(writer.head + UInt64(place)) }
            writer.write(frames)
            // As the writer of the stack does after a batch of 500.
            written += UInt64(frames.count)
            if written % 500 < UInt64(frames.count) { writer.wakeReaders() }
        }
        writer.wakeReaders()
        let (seconds, used) = (monotonicSeconds() - start, cpuSeconds() - usedBefore)
        say(#"{"frames": \#(count), "head": \#(writer.head), "seconds": \#(seconds), "cpu_seconds": \#(used)}"#)
    }

    private static func read(_ arguments: [String]) throws {
        guard let layout = FrameLayout(rawValue: arguments[1]), let until = UInt64(arguments[2]) else { exit(2) }
        let reader = try RingReader(path: arguments[0])
        let first = reader.position
        var (count, mixed) = (UInt64(0), UInt64(0))
        // What a byte and its scale give back is off by some of the last bits.
        let tolerance: Float = layout == .compact ? 0.001 : 0
        while reader.position < until {
            guard let frame = reader.next() else { continue }
            count += 1
            let value = Float(frame.id % UInt64(variety))
            let isWhole =
                frame.semantic.count == Frame.dimensions
                && frame.semantic.allSatisfy { abs($0 - value) <= tolerance } && frame.organizationHash == frame.id
                && frame.time.microseconds == Int64(frame.id)
            if !isWhole { mixed += 1 }
        }
        say(
            #"{"first": \#(first), "read": \#(count), "lost": \#(reader.lost), "torn": \#(reader.torn), "#
                + #""mixed": \#(mixed)}"#)
    }

    /// A line on the standard output, at once: whoever started this waits for it.
    private static func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = Glibc.write(STDOUT_FILENO, bytes, bytes.count)
    }

    private static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }

    private static func monotonicSeconds() -> Double { seconds(of: CLOCK_MONOTONIC) }

    private static func cpuSeconds() -> Double { seconds(of: CLOCK_PROCESS_CPUTIME_ID) }

    private static func seconds(of clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

extension Frame {
    /// Makes the numbers those of an id.
    fileprivate mutating func tell(_ id: UInt64) {
        organizationHash = id
        time = Timestamp(microseconds: Int64(id))
    }
}
