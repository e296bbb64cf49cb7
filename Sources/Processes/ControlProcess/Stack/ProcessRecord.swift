import Glibc
import SystemPackage

/// A process that this stack started, written down so that a later command ends exactly that one.
///
/// A pid alone may since belong to somebody else; with the start time (field 22 of `/proc/PID/stat`, clock ticks
/// since boot) it names one process for as long as the machine runs.
struct ProcessRecord: Equatable, Sendable {
    let pid: pid_t
    let startTime: UInt64

    /// The record of a running process, or nil when it is gone.
    init?(pid: pid_t) {
        guard let start = Self.startTime(of: pid) else { return nil }
        self.pid = pid
        startTime = start
    }

    private init(pid: pid_t, startTime: UInt64) {
        self.pid = pid
        self.startTime = startTime
    }

    /// True while that very process runs.
    var isAlive: Bool { Self.startTime(of: pid) == startTime }

    func write(to path: FilePath) throws {
        try Files.write(Array("\(pid) \(startTime)\n".utf8), to: path, mode: [.ownerReadWrite, .groupRead, .otherRead])
    }

    static func read(_ path: FilePath) throws -> ProcessRecord? {
        guard let bytes = try Files.read(path) else { return nil }
        let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let pid = pid_t(words[0]), let start = UInt64(words[1]) else { return nil }
        return ProcessRecord(pid: pid, startTime: start)
    }

    /// Asks the process to end, waits, and ends it hard when it does not.
    func end(with signal: CInt, waiting limit: Duration) async throws {
        guard isAlive else { return }
        kill(pid, signal)
        let clock = ContinuousClock()
        let deadline = clock.now.advanced(by: limit)
        while isAlive, clock.now < deadline {
            try await Task.sleep(for: .milliseconds(50))
        }
        if isAlive { kill(pid, SIGKILL) }
    }

    /// Nil for a pid that is free and for a zombie, which has ended and only waits to be collected.
    private static func startTime(of pid: pid_t) -> UInt64? {
        guard let bytes = try? Files.read(FilePath("/proc/\(pid)/stat")),
            let end = bytes.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        let fields = String(decoding: bytes[(end + 1)...], as: UTF8.self).split(separator: " ")
        guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
        return UInt64(fields[19])
    }
}
