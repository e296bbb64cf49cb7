import Glibc

/// How far the log is framed, for each part, as of some frame: the file `RING_PATH.positions`.
///
/// Text, one value a line, so that a person can read it. It is replaced as a whole by rename: after a kill it is the
/// one before or the one after. Nothing is synced to disk, because a ring does not outlive its machine's memory either.
public struct RingPositions: Sendable, Equatable {
    /// The position of the newest framed event of each part.
    public var parts: [Int16: Int64]
    /// The head of the ring when the positions were saved: every frame from here on is newer than they are.
    public var head: UInt64

    private static let title = "collider ring positions 1"
    private static let longest = 64 << 10

    static func path(ofRing ringPath: String) -> String { ringPath + ".positions" }

    /// Reads the file; nil when it is missing or not whole.
    static func load(ringPath: String) -> RingPositions? {
        let descriptor = open(path(ofRing: ringPath), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: longest)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0 else { return nil }
        return RingPositions(parsing: String(decoding: bytes[..<count], as: UTF8.self))
    }

    init(parts: [Int16: Int64], head: UInt64) {
        self.parts = parts
        self.head = head
    }

    init?(parsing text: String) {
        let lines = text.split(separator: "\n")
        guard lines.count >= 3, lines[0] == Self.title, lines.last == "end" else { return nil }
        let words = lines[1].split(separator: " ")
        guard words.count == 2, words[0] == "head", let head = UInt64(words[1]) else { return nil }
        self.init(parts: [:], head: head)
        for line in lines[2..<(lines.count - 1)] {
            let words = line.split(separator: " ")
            guard words.count == 3, words[0] == "part", let part = Int16(words[1]), let position = Int64(words[2])
            else { return nil }
            parts[part] = position
        }
    }

    var text: String {
        let lines = parts.sorted { $0.key < $1.key }.map { "part \($0.key) \($0.value)" }
        return ([Self.title, "head \(head)"] + lines + ["end", ""]).joined(separator: "\n")
    }

    /// Puts these in the place of those before.
    func save(ringPath: String) throws(RingError) {
        let path = Self.path(ofRing: ringPath)
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, RingFile.mode)
        guard descriptor >= 0 else { throw .system("write", temporary, errno) }
        let bytes = Array(text.utf8)
        let count = write(descriptor, bytes, bytes.count)
        let code = errno
        close(descriptor)
        guard count == bytes.count else { throw .system("write", temporary, count < 0 ? code : ENOSPC) }
        guard rename(temporary, path) == 0 else { throw .system("replace", path, errno) }
    }

    /// Forgets them, because their ring is gone.
    static func remove(ringPath: String) throws(RingError) {
        guard unlink(path(ofRing: ringPath)) == 0 || errno == ENOENT else {
            throw .system("delete", path(ofRing: ringPath), errno)
        }
    }
}
