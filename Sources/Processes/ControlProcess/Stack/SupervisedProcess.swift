import Glibc
import Subprocess
import Synchronization
import SystemPackage

/// One child of the supervisor: how it is started, and how it is asked to stop.
struct SupervisedProcess: Sendable {
    let name: String
    let executable: FilePath
    let arguments: [String]
    /// Added to the supervisor's own environment.
    let environment: [String: String]
    let account: PostgresServer.Account?
    let stopSignal: Subprocess.Signal
}

/// Keeps one process running until its task is cancelled, and then stops it.
///
/// A process that ends is started again after a delay that doubles from 200 ms to 30 s and starts over once the
/// process has run for a minute.
final class Keeper: Sendable {
    let process: SupervisedProcess
    private let home: Home
    private let report: @Sendable (String) -> Void
    private let exits = Mutex(0)

    init(_ process: SupervisedProcess, home: Home, report: @escaping @Sendable (String) -> Void) {
        self.process = process
        self.home = home
        self.report = report
    }

    /// How often the process has ended by itself.
    var exitCount: Int { exits.withLock { $0 } }

    var log: FilePath { home.logs.appending("\(process.name).log") }

    static func record(of name: String, in home: Home) -> FilePath {
        home.run.appending("\(name).pid")
    }

    func run() async throws {
        let clock = ContinuousClock()
        var delay = Duration.milliseconds(200)
        while !Task.isCancelled {
            let started = clock.now
            let ending = try await runOnce()
            if Task.isCancelled { return }
            exits.withLock { $0 += 1 }
            if clock.now - started > .seconds(60) { delay = .milliseconds(200) }
            report("\(process.name) ended (\(ending)); starting it again")
            try? await Task.sleep(for: delay)
            delay = min(delay * 2, .seconds(30))
        }
    }

    private func runOnce() async throws -> TerminationStatus {
        var options = PlatformOptions()
        // A session of its own: Ctrl-C in the terminal reaches the supervisor only, which stops things in order.
        options.createSession = true
        options.teardownSequence = [.send(signal: process.stopSignal, allowedDurationToNextStep: .seconds(35))]
        let changes = process.environment.map { (Environment.Key(stringLiteral: $0.key), Optional($0.value)) }
        let command = PostgresServer.Account.command(
            process.executable, process.arguments, as: process.account)
        let result = try await Subprocess.run(
            .path(command.executable), arguments: Arguments(command.arguments),
            environment: .inherit.updating(Dictionary(uniqueKeysWithValues: changes)),
            workingDirectory: process.account == nil ? nil : "/", platformOptions: options, input: .none,
            output: .fileDescriptor(try LogFile.open(log), closeAfterSpawningProcess: true),
            error: .combinedWithOutput
        ) { execution in
            try ProcessRecord(pid: execution.processIdentifier.value)?
                .write(to: Self.record(of: process.name, in: home))
        }
        return result.terminationStatus
    }
}

/// Log files of the stack, appended to, and put aside once they have grown.
enum LogFile {
    /// The size from which a log is put aside (as `NAME.1`) when its process starts again.
    static let limit: off_t = 32 << 20

    static func open(_ path: FilePath) throws -> FileDescriptor {
        var status = stat()
        if stat(path.string, &status) == 0, status.st_size > limit {
            rename(path.string, path.string + ".1")
        }
        do {
            return try FileDescriptor.open(path, .writeOnly, options: [.create, .append], permissions: .ownerReadWrite)
        } catch let error as Errno {
            throw CommandError("cannot write \(path): \(error)")
        }
    }

    /// The last line that says something, to show why a process did not come up.
    static func lastLine(of path: FilePath) -> String? {
        guard let file = try? FileDescriptor.open(path, .readOnly) else { return nil }
        defer { try? file.close() }
        guard let size = try? file.seek(offset: 0, from: .end) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let start = max(0, size - Int64(bytes.count))
        let count = (try? bytes.withUnsafeMutableBytes { try file.read(fromAbsoluteOffset: start, into: $0) }) ?? 0
        return String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: "\n").last.map(String.init)
    }
}
