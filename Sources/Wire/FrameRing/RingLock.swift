import Glibc

/// The right to write a ring: a lock on a file beside it, which the system takes back when the process ends, however.
final class RingLock {
    private let descriptor: Int32

    /// Takes the lock, or says who has it.
    init(ringPath: String) throws(RingError) {
        let path = ringPath + ".lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, RingFile.mode)
        guard descriptor >= 0 else { throw .creating(path, errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            let holder = Self.holder(descriptor)
            close(descriptor)
            guard code == EWOULDBLOCK else { throw .system("lock", path, code) }
            throw RingError(
                .locked,
                "another process\(holder.map { " (pid \($0))" } ?? "") writes \(ringPath): stop it, or set RING_PATH")
        }
        self.descriptor = descriptor
        // Who it is helps whoever comes second; the lock holds without it.
        let identity = Array("\(getpid())\n".utf8)
        ftruncate(descriptor, 0)
        _ = pwrite(descriptor, identity, identity.count, 0)
    }

    deinit {
        close(descriptor)
    }

    private static func holder(_ descriptor: Int32) -> Int? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int(String(decoding: bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}
