import CFrameLayout
import Glibc

/// A ring's file in memory, owned: mapped at the beginning, unmapped at the end, and lent in between.
///
/// The mapping outlives the file's name: a reader whose ring is deleted or replaced reads on in the old one. The file
/// is never truncated or resized, because that would end its readers by SIGBUS.
final class RingFile {
    let path: String
    let capacity: UInt64
    let header: UnsafeMutablePointer<cfl_header>
    private let slots: UnsafeMutablePointer<cfl_frame>
    private let length: Int
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

    static func length(capacity: Int) -> Int { CFL_HEADER_SIZE + capacity * CFL_FRAME_SIZE }

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
        let memory = mmap(nil, length, protection, MAP_SHARED, descriptor, 0)
        guard let memory, memory != MAP_FAILED else { throw RingError.system("map", path, errno) }
        let header = memory.bindMemory(to: cfl_header.self, capacity: 1)
        do throws(RingError) {
            capacity = try Self.capacity(header.pointee, length: length, path: path)
        } catch {
            munmap(memory, length)
            throw error
        }
        self.path = path
        self.length = length
        self.header = header
        slots = (memory + CFL_HEADER_SIZE).bindMemory(to: cfl_frame.self, capacity: Int(capacity))
        identity = Identity(status)
    }

    deinit {
        munmap(header, length)
    }

    /// Checks that the bytes are a ring of this version, and of the size that they say.
    private static func capacity(_ header: cfl_header, length: Int, path: String) throws(RingError) -> UInt64 {
        guard header.magic == CFL_MAGIC else {
            throw RingError(.notARing, "\(path) is no ring; delete it, or set RING_PATH to another path")
        }
        guard header.version == CFL_VERSION, header.frame_size == CFL_FRAME_SIZE else {
            throw RingError(
                .version,
                "\(path) has layout version \(header.version) with frames of \(header.frame_size) bytes, and this "
                    + "program has version \(CFL_VERSION) with \(CFL_FRAME_SIZE): stop what reads "
                    + "the ring and delete the file, or set RING_PATH to another path")
        }
        let capacity = header.capacity
        guard capacity > 0, capacity <= UInt64(length), length == Self.length(capacity: Int(capacity)) else {
            throw RingError(.notARing, "\(path) is damaged: \(length) bytes don't fit \(capacity) frames; delete it")
        }
        return capacity
    }

    /// The slot of a frame.
    func slot(_ frameID: UInt64) -> UnsafeMutablePointer<cfl_frame> { slots + Int(frameID % capacity) }

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
