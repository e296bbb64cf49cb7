import CFrameLayout
import Glibc

extension RingFile {
    /// Group members may read; nobody else may.
    static let mode: mode_t = 0o640

    /// Makes an empty ring at the path, which has none; only who holds the ring's lock may.
    ///
    /// Made under another name and renamed when it is whole, so that no reader ever sees half of one. Its space is
    /// taken at once: a tmpfs that is full later would end the writer by SIGBUS in the middle of a frame.
    static func create(path: String, capacity: Int) throws(RingError) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw .system("create", temporary, errno) }
        defer { close(descriptor) }
        do throws(RingError) {
            try fill(descriptor, path: path, capacity: capacity)
            guard rename(temporary, path) == 0 else { throw .system("create", path, errno) }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    private static func fill(_ descriptor: Int32, path: String, capacity: Int) throws(RingError) {
        // Not left to open(): what it gives is cut by the umask.
        guard fchmod(descriptor, mode) == 0 else { throw .system("set the mode of", path, errno) }
        let length = length(capacity: capacity)
        switch posix_fallocate(descriptor, 0, off_t(length)) {
        case 0: break
        case ENOSPC, EFBIG:
            throw RingError(
                .space,
                "no room for \(path): \(capacity) frames need \(length / 1_000_000 + 1) MB; lower RING_CAPACITY, or "
                    + "give the file system more space (in a container: shm_size)")
        case let code: throw .system("make space for", path, code)
        }
        var header = cfl_header()
        header.magic = CFL_MAGIC
        header.version = UInt32(CFL_VERSION)
        header.frame_size = UInt32(CFL_FRAME_SIZE)
        header.capacity = UInt64(capacity)
        let size = MemoryLayout<cfl_header>.size
        guard pwrite(descriptor, &header, size, 0) == size else { throw .system("write", path, errno) }
    }
}
