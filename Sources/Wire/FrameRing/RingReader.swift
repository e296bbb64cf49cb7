import CFrameLayout
import EventModel
import FrameModel

/// Reads a ring in order, from its oldest readable frame on.
///
/// Every frame it gives is a whole copy. Frames that were overwritten before they were read are counted in ``lost``.
/// Readers map the file read-only, don't know of each other, and hold nobody up. Not for two threads at once.
///
/// When the ring is made anew, the reader finishes the old one and goes on with the oldest frame of the new one, whose
/// numbers start again.
public final class RingReader {
    /// What the header says about the ring.
    public struct Status: Sendable, Equatable {
        /// The number of frames that the ring holds.
        public let capacity: Int
        /// How they lie.
        public let layout: FrameLayout
        /// How many frames were published so far.
        public let head: UInt64
        /// The id of the oldest frame that can still be read.
        public let tail: UInt64
        /// The number of the writer, one more at each of its starts.
        public let writerEpoch: UInt64
        /// When the writer last said that it lives.
        public let heartbeat: Timestamp
    }

    private static let latestAttempts = 64

    private var file: RingFile
    private var scratch: UnsafeMutablePointer<cfl_slot>
    /// The id of the frame that is read next.
    public private(set) var position: UInt64
    /// How many frames were overwritten before they could be read.
    public private(set) var lost: UInt64 = 0
    /// How many copies were thrown away because the writer came into the middle of them.
    public private(set) var torn: UInt64 = 0

    /// Opens the ring at a path.
    public init(path: String) throws(RingError) {
        file = try RingFile(path: path, isWritable: false)
        position = cfl_tail(file.header)
        scratch = file.makeScratch(frames: 1).assumingMemoryBound(to: cfl_slot.self)
    }

    deinit {
        scratch.deallocate()
    }

    /// Where the file is.
    public var path: String { file.path }

    /// The state of the ring now.
    public var status: Status {
        Status(
            capacity: Int(file.capacity), layout: file.layout, head: cfl_head(file.header), tail: cfl_tail(file.header),
            writerEpoch: cfl_writer_epoch(file.header),
            heartbeat: Timestamp(microseconds: Int64(clamping: cfl_heartbeat_us(file.header))))
    }

    /// How many published frames this reader hasn't come to yet.
    public var lag: UInt64 {
        let head = cfl_head(file.header)
        return head > position ? head - position : 0
    }

    /// Goes to where `count` frames, or as many as there are, can be read at once.
    public func seekLast(_ count: Int) {
        let head = cfl_head(file.header)
        let wanted = UInt64(max(0, count))
        position = max(cfl_tail(file.header), head > wanted ? head - wanted : 0)
    }

    /// The next frame; nil when there is none now.
    public func next() -> Frame? {
        takeReplacement()
        while true {
            let head = cfl_head(file.header)
            let oldest = head > file.capacity ? head - file.capacity : 0
            if position < oldest {
                lost += oldest - position
                position = oldest
            }
            guard position < head else { return nil }
            let id = position
            position += 1
            switch file.load(id, into: scratch) {
            case CFL_WHOLE: return Frame(scratch, as: file.layout)
            case CFL_TORN:
                torn += 1
                lost += 1
            default: lost += 1
            }
        }
    }

    /// The next frames, at most `count`; empty when there are none now.
    public func read(upTo count: Int) -> [Frame] {
        var frames: [Frame] = []
        while frames.count < count, let frame = next() { frames.append(frame) }
        return frames
    }

    /// The newest frame, nil before the first; doesn't move the reader.
    ///
    /// - Throws: ``RingError/Code/lapped`` when the writer overtook every attempt, which takes a ring of a few slots.
    public func latest() throws(RingError) -> Frame? {
        takeReplacement()
        for _ in 0..<Self.latestAttempts {
            let head = cfl_head(file.header)
            guard head > 0 else { return nil }
            switch file.load(head - 1, into: scratch) {
            case CFL_WHOLE: return Frame(scratch, as: file.layout)
            case CFL_TORN: torn += 1
            default: break
            }
        }
        throw RingError(
            .lapped, "the writer of \(path) laps its \(file.capacity) slots faster than one can be copied")
    }

    /// Every frame as it comes, until the task is cancelled.
    ///
    /// - Parameter interval: How often it looks while there is nothing.
    public func follow(every interval: Duration = .milliseconds(10)) -> Following {
        Following(reader: self, interval: interval)
    }

    /// The frames of a ring, as they come.
    public struct Following: AsyncSequence {
        /// What a cancelled task gets is the end, not an error.
        public typealias Failure = Never

        let reader: RingReader
        let interval: Duration

        /// Starts where the reader is.
        public func makeAsyncIterator() -> Iterator { Iterator(reader: reader, interval: interval) }

        /// A place between two frames.
        public struct Iterator: AsyncIteratorProtocol {
            let reader: RingReader
            let interval: Duration

            /// The next frame; nil when the task is cancelled.
            public mutating func next() async -> Frame? {
                while !Task.isCancelled {
                    if let frame = reader.next() { return frame }
                    try? await Task.sleep(for: interval)
                }
                return nil
            }

            /// The next frame; nil when the task is cancelled.
            public mutating func next(isolation actor: isolated (any Actor)?) async -> Frame? {
                await next()
            }
        }
    }

    /// Once the ring at hand is read to its end: the one that has taken its path, if any.
    private func takeReplacement() {
        // Its end is looked for again once the path leads elsewhere: the old writer may have written until then.
        guard cfl_head(file.header) <= position, file.isReplaced, cfl_head(file.header) <= position,
            let replacement = try? RingFile(path: file.path, isWritable: false)
        else { return }
        file = replacement
        scratch.deallocate()
        scratch = replacement.makeScratch(frames: 1).assumingMemoryBound(to: cfl_slot.self)
        // What its writer has overwritten already is lost, and counted.
        position = 0
    }
}
