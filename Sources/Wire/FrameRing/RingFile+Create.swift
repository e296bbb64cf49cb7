import CFrameLayout
import FrameModel
import Glibc

extension RingFile {
    /// Group members may read; nobody else may.
    static let mode: mode_t = 0o640

    /// Makes an empty ring at the path, which has none; only who holds the ring's lock may.
    ///
    /// Made under another name and renamed when it is whole, so that no reader ever sees half of one. Its space is
    /// taken at once: a tmpfs that is full later would end the writer by SIGBUS in the middle of a frame.
    static func create(path: String, capacity: Int, layout: FrameLayout) throws(RingError) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw .creating(temporary, errno) }
        defer { close(descriptor) }
        do throws(RingError) {
            try fill(descriptor, path: path, capacity: capacity, layout: layout)
            guard rename(temporary, path) == 0 else { throw .system("create", path, errno) }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    private static func fill(
        _ descriptor: Int32, path: String, capacity: Int, layout: FrameLayout
    ) throws(RingError) {
        // Not left to open(): what it gives is cut by the umask.
        guard fchmod(descriptor, mode) == 0 else { throw .system("set the mode of", path, errno) }
        guard let length = length(capacity: capacity, layout: layout) else { throw noRoom(path, capacity, layout) }
        switch posix_fallocate(descriptor, 0, off_t(length)) {
        case 0: break
        case ENOSPC, EFBIG: throw noRoom(path, capacity, layout)
        case let code: throw .system("make space for", path, code)
        }
        var header = cfl_header()
        header.magic = layout.magic
        header.version = layout.version
        header.frame_size = UInt32(layout.frameSize)
        header.capacity = UInt64(capacity)
        let size = MemoryLayout<cfl_header>.size
        guard pwrite(descriptor, &header, size, 0) == size else { throw .system("write", path, errno) }
    }

    private static func noRoom(_ path: String, _ capacity: Int, _ layout: FrameLayout) -> RingError {
        let megabytes = Double(capacity) * Double(layout.frameSize) / 1_000_000
        let free = freeBytes(besides: path).map { " and \($0 / 1_000_000) MB are free" } ?? ""
        return RingError(
            .space,
            "no room for \(path): \(capacity) frames need \(Int(megabytes) + 1) MB\(free); lower RING_CAPACITY, or "
                + "give the file system more space (in a container: shm_size)")
    }

    /// What the file system of the path's folder has left.
    private static func freeBytes(besides path: String) -> Int? {
        var status = statvfs()
        guard statvfs(folder(of: path), &status) == 0 else { return nil }
        return Int(status.f_bavail) * Int(status.f_frsize)
    }

    /// The folder that a file lies in.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

extension RingError {
    /// A file beside the ring, or the ring itself, that can't be made.
    static func creating(_ path: String, _ code: Int32) -> RingError {
        let folder = RingFile.folder(of: path)
        return switch code {
        case ENOENT:
            RingError(.folder, "there is no folder \(folder) for the ring: make it, or set RING_PATH")
        case ENOTDIR:
            RingError(.folder, "\(folder) is no folder: set RING_PATH to a path in one")
        case EACCES, EROFS:
            RingError(.folder, "this user may not write into \(folder): set RING_PATH, or let it")
        default: system("create", path, code)
        }
    }
}
