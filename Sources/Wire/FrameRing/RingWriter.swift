import CFrameLayout
import EventModel
import FrameModel
import Glibc

/// Writes frames into a ring, as the only process that does.
///
/// **Files.** `RING_PATH` is the ring, `RING_PATH.lock` the right to write it, `RING_PATH.positions` how far the log is
/// framed. The positions belong to the ring beside them: who makes a new ring deletes them first.
///
/// **A burst** of frames: the tail moves off their slots; the slots' sequences turn odd, the payloads are written, the
/// sequences turn even; the head moves. `CFrameProtocol.h` says in which memory order, and why.
///
/// **Once, over any crash.** A batch is written frame by frame and then its positions are saved. A writer that is
/// killed in between leaves frames that the positions don't know of; they are the ones from the saved head on, so their
/// event ids tell how far the log was really framed (``framedEvents(from:)``). For this a batch, which lies between two
/// saves, must not be longer than the ring.
///
/// A writer that dies inside of a burst leaves odd slots, which nobody was ever told of. The next writer empties them
/// and uses the same frame ids again. One that dies between the even sequences and the head leaves whole frames, which
/// the next writer publishes.
///
/// Not for two threads at once.
public final class RingWriter {
    private let lock: RingLock
    private let file: RingFile
    /// The frames of a burst, but for what is lent.
    private let scratch: UnsafeMutableRawPointer
    private let sources: UnsafeMutablePointer<cfl_source>
    private let storePath: cfl_store_path
    /// How many frames were published so far: the id of the next one.
    public private(set) var head: UInt64
    /// What was saved last, by this writer or one before it; nil when the ring is new, or its positions are gone.
    public private(set) var saved: RingPositions?

    /// Opens the ring at a path, or makes it when there is none.
    ///
    /// Takes some hundredths of a second for a large ring, because it finds out how this machine writes the fastest.
    ///
    /// - Parameters:
    ///   - capacity: The number of frames; of an existing ring it has to be the same.
    ///   - layout: How the frames lie; of an existing ring it has to be the same.
    public init(
        path: String, capacity: Int, layout: FrameLayout = .full, now: Timestamp
    ) throws(RingError) {
        precondition(capacity > 0, "a ring has at least one slot")
        lock = try RingLock(ringPath: path)
        if access(path, F_OK) != 0 {
            try RingPositions.remove(ringPath: path)
            try RingFile.create(path: path, capacity: capacity, layout: layout)
        }
        file = try RingFile(path: path, isWritable: true)
        guard file.layout == layout else {
            throw RingError(
                .layout,
                "\(path) holds \(file.layout) frames, and RING_LAYOUT asks for \(layout): set RING_LAYOUT to "
                    + "\(file.layout), or stop what reads the ring and delete \(path) to begin a new one")
        }
        guard file.capacity == UInt64(capacity) else {
            throw RingError(
                .capacity,
                "\(path) holds \(file.capacity) frames, and RING_CAPACITY asks for \(capacity): set RING_CAPACITY to "
                    + "\(file.capacity), or stop what reads the ring and delete \(path) to begin a new one")
        }
        head = cfl_head(file.header)
        scratch = file.makeScratch(frames: Int(CFL_BURST))
        sources = .allocate(capacity: Int(CFL_BURST))
        sources.initialize(repeating: cfl_source(), count: Int(CFL_BURST))
        storePath = cfl_calibrate(layout.frameSize, file.capacity)
        repair()
        // Positions from after the ring's head are another ring's, put there by hand.
        saved = RingPositions.load(ringPath: path).flatMap { $0.head <= head ? $0 : nil }
        cfl_set_writer_epoch(file.header, cfl_writer_epoch(file.header) + 1)
        beat(at: now)
    }

    deinit {
        scratch.deallocate()
        sources.deallocate()
    }

    /// The number of frames that the ring holds.
    public var capacity: Int { Int(file.capacity) }

    /// The number of this writer, 1 for the ring's first.
    public var epoch: UInt64 { cfl_writer_epoch(file.header) }

    /// How the frames lie.
    public var layout: FrameLayout { file.layout }

    /// Writes and publishes a frame; returns the id that it got. Readers that sleep hear of it by ``wakeReaders()``.
    ///
    /// To write many together takes half as long for each.
    @discardableResult
    public func write(_ frame: borrowing Frame) -> UInt64 {
        withUnsafePointer(to: frame) { writeBurst($0, 1) }
        return head - 1
    }

    /// Writes and publishes frames. Readers that sleep hear of them by ``wakeReaders()``.
    public func write(_ frames: [Frame]) {
        let burst = Int(cfl_burst(file.capacity))
        frames.withUnsafeBufferPointer { frames in
            guard let start = frames.baseAddress else { return }
            for first in stride(from: 0, to: frames.count, by: burst) {
                writeBurst(start + first, min(burst, frames.count - first))
            }
        }
    }

    /// Writes a burst, once all of its embeddings are lent from the frame at `place` on.
    ///
    /// Each is lent inside of the one before, and nothing is written before all are: between two frames not even a
    /// reference may be counted, because that is an atomic operation, which waits for memory as a fence does.
    private func writeBurst(_ frames: UnsafePointer<Frame>, _ count: Int, from place: Int = 0) {
        guard place < count else {
            cfl_write(file.header, sources, UInt64(count), storePath)
            head += UInt64(count)
            return
        }
        let memory = (scratch + place * file.layout.frameSize).assumingMemoryBound(to: cfl_slot.self)
        Frame.encode(frames + place, into: memory, as: file.layout) { payload, lines in
            sources[place] = cfl_source(frame: memory, payload: payload, lines: lines)
            writeBurst(frames, count, from: place + 1)
        }
    }

    /// Wakes the readers that wait for a frame; once after some frames, because it is a call of the system.
    public func wakeReaders() { cfl_wake(file.header) }

    /// Saves how far the log is framed, for each part, after a batch has been written.
    public func save(_ positions: [Int16: Int64]) throws(RingError) {
        let positions = RingPositions(parts: positions, head: head)
        try positions.save(ringPath: file.path)
        saved = positions
    }

    /// Tells readers that the writer lives, though there may be nothing to write.
    public func beat(at now: Timestamp) {
        cfl_beat(file.header, UInt64(max(0, now.microseconds)))
    }

    /// Lends every frame that is in the ring, oldest first.
    public func replay(_ body: (Frame) -> Void) { replay(from: 0, body) }

    /// The events of the frames from an id on, as far as they are still in the ring.
    public func framedEvents(from first: UInt64) -> Set<UniqueID> {
        var events: Set<UniqueID> = []
        replay(from: first) { events.insert($0.eventID) }
        return events
    }

    private var oldest: UInt64 { head > file.capacity ? head - file.capacity : 0 }

    private func replay(from first: UInt64, _ body: (Frame) -> Void) {
        guard first < head else { return }
        let frame = scratch.assumingMemoryBound(to: cfl_slot.self)
        for id in max(first, oldest)..<head where file.load(id, into: frame) == CFL_WHOLE {
            body(Frame(frame, as: file.layout))
        }
    }

    /// Finishes what a writer left behind that died in a burst: publishes the frames that are whole, which come before
    /// those that are not, and empties the slots of these.
    private func repair() {
        while cfl_sequence(file.slot(head)) == cfl_ticket(head), file.slot(head).pointee.frame_id == head {
            head += 1
            cfl_publish(file.header, head)
        }
        for id in head..<head + cfl_burst(file.capacity) where !cfl_sequence(file.slot(id)).isMultiple(of: 2) {
            cfl_empty(file.slot(id))
        }
    }
}
