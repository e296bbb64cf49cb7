import CFrameLayout
import FrameModel
import Glibc

/// A ring's file in memory, owned: mapped at the beginning, unmapped at the end, and lent in between.
///
/// The mapping outlives the file's name: a reader whose ring is deleted or replaced reads on in the old one. The file
/// is never truncated or resized, because that would end its readers by SIGBUS.
final class RingFile {
    let path: String
    let layout: FrameLayout
    let capacity: UInt64
    let header: UnsafeMutablePointer<cfl_header>
    let length: Int
    private let identity: Identity

    /// Which file a path leads to.
    private struct Identity: Equatable {
        let device: dev_t
        let inode: ino_t

        init(_ status: stat) {
            device = status.st_dev
            inode = status.st_ino
        }
    }

    /// Bytes; nil for more than a file can have.
    static func length(capacity: Int, layout: FrameLayout) -> Int? {
        let (slots, overflows) = capacity.multipliedReportingOverflow(by: layout.frameSize)
        return overflows || slots > Int.max - CFL_HEADER_SIZE ? nil : CFL_HEADER_SIZE + slots
    }

    /// Maps an existing ring.
    init(path: String, isWritable: Bool) throws(RingError) {
        let descriptor = open(path, (isWritable ? O_RDWR : O_RDONLY) | O_CLOEXEC)
        guard descriptor >= 0 else { throw RingError.opening(path, errno) }
        // The mapping keeps the file; the descriptor has done its work.
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw RingError.system("examine", path, errno) }
        let length = Int(status.st_size)
        guard length >= CFL_HEADER_SIZE else {
            throw RingError(.notARing, "\(path) is no ring: it has \(length) bytes; delete it, or set RING_PATH")
        }
        let protection = isWritable ? PROT_READ | PROT_WRITE : PROT_READ
        // A writer has all of its pages at once: else it would wait for the kernel at each, its first time around.
        let flags = isWritable ? MAP_SHARED | MAP_POPULATE : MAP_SHARED
        let memory = mmap(nil, length, protection, flags, descriptor, 0)
        guard let memory, memory != MAP_FAILED else { throw RingError.system("map", path, errno) }
        let header = memory.bindMemory(to: cfl_header.self, capacity: 1)
        do throws(RingError) {
            (layout, capacity) = try Self.check(header.pointee, length: length, path: path)
        } catch {
            munmap(memory, length)
            throw error
        }
        self.path = path
        self.length = length
        self.header = header
        identity = Identity(status)
    }

    deinit {
        munmap(header, length)
    }

    /// Checks that the bytes are a ring of this version, and of the size that they say.
    private static func check(
        _ header: cfl_header, length: Int, path: String
    ) throws(RingError) -> (FrameLayout, capacity: UInt64) {
        guard let layout = FrameLayout(magic: header.magic) else {
            throw RingError(.notARing, "\(path) is no ring; delete it, or set RING_PATH to another path")
        }
        guard header.version == layout.version, header.frame_size == layout.frameSize else {
            throw RingError(
                .version,
                "\(path) has layout version \(header.version) with frames of \(header.frame_size) bytes, and this "
                    + "program has version \(layout.version) with \(layout.frameSize): stop what reads "
                    + "the ring and delete the file, or set RING_PATH to another path")
        }
        let capacity = header.capacity
        guard capacity > 0, capacity <= UInt64(length),
            length == Self.length(capacity: Int(capacity), layout: layout)
        else {
            throw RingError(.notARing, "\(path) is damaged: \(length) bytes don't fit \(capacity) frames; delete it")
        }
        return (layout, capacity)
    }

    /// The slot of a frame.
    func slot(_ frameID: UInt64) -> UnsafeMutablePointer<cfl_slot> {
        let offset = CFL_HEADER_SIZE + Int(frameID % capacity) * layout.frameSize
        return (UnsafeMutableRawPointer(header) + offset).assumingMemoryBound(to: cfl_slot.self)
    }

    /// Copies a frame into memory of its size.
    func load(_ frameID: UInt64, into frame: UnsafeMutablePointer<cfl_slot>) -> cfl_copy {
        cfl_load(slot(frameID), frameID, frame, layout.frameSize)
    }

    /// Memory for some frames, to be deallocated by who asked for it.
    func makeScratch(frames: Int) -> UnsafeMutableRawPointer {
        let size = frames * layout.frameSize
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: Int(CFL_LINE))
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        return memory
    }

    /// Whether another file has taken the path. A missing one doesn't count: its writer may return.
    var isReplaced: Bool {
        var status = stat()
        return stat(path, &status) == 0 && Identity(status) != identity
    }
}

extension RingError {
    static func opening(_ path: String, _ code: Int32) -> RingError {
        switch code {
        case ENOENT:
            RingError(
                .missing, "no ring at \(path): start collider-writer (make up does), or set RING_PATH to where it is")
        case EACCES:
            RingError(.system, "\(path) may not be opened by this user: its mode is 0640, so join the writer's group")
        default: system("open", path, code)
        }
    }

    static func system(_ verb: String, _ path: String, _ code: Int32) -> RingError {
        RingError(.system, "can't \(verb) \(path): \(String(cString: strerror(code)))")
    }
}
