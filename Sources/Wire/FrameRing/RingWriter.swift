import CFrameLayout
import EventModel
import FrameModel
import Glibc

/// Writes frames into a ring, as the only process that does.
///
/// **Files.** `RING_PATH` is the ring, `RING_PATH.lock` the right to write it, `RING_PATH.positions` how far the log is
/// framed. The positions belong to the ring beside them: who makes a new ring deletes them first.
///
/// **A frame**: the tail moves off its slot; the slot's sequence turns odd, the payload is written, the sequence turns
/// even; the head moves. `CFrameLayout.h` says in which memory order, and why.
///
/// **Once, over any crash.** A batch is written frame by frame and then its positions are saved. A writer that is
/// killed in between leaves frames that the positions don't know of; they are the ones from the saved head on, so their
/// event ids tell how far the log was really framed (``framedEvents(from:)``). For this a batch, which lies between two
/// saves, must not be longer than the ring.
///
/// A writer that dies inside of a frame leaves an odd slot, which nobody was ever told of. The next writer empties it
/// and uses the same frame id again. One that dies between the even sequence and the head leaves a whole frame, which
/// the next writer publishes.
///
/// Not for two threads at once.
public final class RingWriter {
    private let lock: RingLock
    private let file: RingFile
    private let scratch: UnsafeMutablePointer<cfl_slot>
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
        scratch = file.makeScratch()
        storePath = cfl_calibrate(layout.frameSize, file.capacity)
        repair()
        // Positions from after the ring's head are another ring's, put there by hand.
        saved = RingPositions.load(ringPath: path).flatMap { $0.head <= head ? $0 : nil }
        cfl_set_writer_epoch(file.header, cfl_writer_epoch(file.header) + 1)
        beat(at: now)
    }

    deinit {
        scratch.deallocate()
    }

    /// The number of frames that the ring holds.
    public var capacity: Int { Int(file.capacity) }

    /// The number of this writer, 1 for the ring's first.
    public var epoch: UInt64 { cfl_writer_epoch(file.header) }

    /// How the frames lie.
    public var layout: FrameLayout { file.layout }

    /// Writes and publishes a frame; returns the id that it got. Readers that sleep hear of it by ``wakeReaders()``.
    @discardableResult
    public func write(_ frame: borrowing Frame) -> UInt64 {
        frame.encode(into: scratch, as: file.layout)
        let id = head
        scratch.pointee.frame_id = id
        cfl_set_tail(file.header, head + 1 > file.capacity ? head + 1 - file.capacity : 0)
        cfl_store(file.slot(head), scratch, file.layout.frameSize, storePath, file.slot(head + 1))
        head += 1
        cfl_publish(file.header, head)
        return id
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
        for id in max(first, oldest)..<head where file.load(id, into: scratch) == CFL_WHOLE {
            body(Frame(scratch, as: file.layout))
        }
    }

    /// Finishes what a writer left behind that died in the slot of the next frame.
    private func repair() {
        let slot = file.slot(head)
        let sequence = cfl_sequence(slot)
        if sequence == cfl_ticket(head), slot.pointee.frame_id == head {
            head += 1
            cfl_publish(file.header, head)
        } else if !sequence.isMultiple(of: 2) {
            cfl_empty(slot)
        }
    }
}
