import Glibc
import SystemPackage

/// Starts `collider up --foreground` in a session of its own and shows what it says until it is ready.
///
/// The child's standard output is a pipe. While it starts it writes its progress there; when it is ready it writes an
/// end of transmission (U+0004) and puts the log in the pipe's place. A pipe that ends without that mark means a child
/// that has failed, and has said why.
enum Detached {
    /// `POSIX_SPAWN_SETSID` of glibc's <spawn.h>, which is hidden behind a feature macro: the child leads a new
    /// session.
    private static let newSession: Int16 = 0x80

    static func launch(executable: FilePath, arguments: [String], log: FilePath) throws -> Bool {
        var ends: [CInt] = [0, 0]
        guard pipe(&ends) == 0 else { throw CommandError("cannot make a pipe: \(Errno(rawValue: errno))") }
        let logFile = try LogFile.open(log)
        defer { try? logFile.close() }
        try spawn(executable, arguments, output: ends, log: logFile.rawValue)
        close(ends[1])
        defer { close(ends[0]) }
        return relay(ends[0])
    }

    /// What a child that is ready says last.
    static let readyMark = "\u{04}"

    private static func spawn(
        _ executable: FilePath, _ arguments: [String], output: [CInt], log: CInt
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output[1], 1)
        posix_spawn_file_actions_adddup2(&actions, log, 2)
        posix_spawn_file_actions_addclose(&actions, output[0])
        posix_spawn_file_actions_addclose(&actions, output[1])
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Self.newSession)
        var pid: pid_t = 0
        let strings = ([executable.string] + arguments).map { strdup($0) }
        defer { strings.forEach { free($0) } }
        let code = posix_spawn(&pid, executable.string, &actions, &attributes, strings + [nil], environ)
        guard code == 0 else { throw CommandError("cannot start \(executable): \(Errno(rawValue: code))") }
    }

    private static func relay(_ descriptor: CInt) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else {
                if count < 0, errno == EINTR { continue }
                return false
            }
            let text = buffer.prefix(count).split(separator: 0x04, maxSplits: 1, omittingEmptySubsequences: false)
            text[0].withUnsafeBytes { _ = write(1, $0.baseAddress, $0.count) }
            if text.count > 1 { return true }
        }
    }
}
