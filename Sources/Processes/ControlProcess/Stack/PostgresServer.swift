import EventModel
import Glibc
import Subprocess
import SystemPackage

/// The private PostgreSQL of a stack: its folder, its account and its command lines.
///
/// PostgreSQL refuses to run as root, so under root it runs as the account `postgres` that its package made. Where
/// that account cannot reach the home (a clone below `/root`), the data lies in `/var/lib/collider` instead.
struct PostgresServer: Sendable {
    static let superuser = "collider"
    static let database = "collider"

    let data: FilePath
    let port: Int
    let account: Account?
    private let binaries: FilePath

    /// The account that a server runs as, when not the caller's own.
    struct Account: Sendable {
        let user: uid_t
        let group: gid_t

        /// The command that runs `executable` as `account`, without the caller's supplementary groups.
        ///
        /// By util-linux' `setpriv`, which becomes the program that it is given, and so keeps its pid. Not by the
        /// identity of `PlatformOptions`: swift-subprocess 1.0 makes its child with a bare `clone3`, and glibc's
        /// `setuid` there waits for a lock that a thread of the parent may have held at that moment. Such a child
        /// never starts, and `up` never ends (seen twice in seven starts on two busy cores).
        static func command(
            _ executable: FilePath, _ arguments: [String], as account: Account?
        ) -> (executable: FilePath, arguments: [String]) {
            guard let account else { return (executable, arguments) }
            let identity = ["--reuid=\(account.user)", "--regid=\(account.group)", "--clear-groups", "--"]
            return ("/usr/bin/setpriv", identity + [executable.string] + arguments)
        }
    }

    init(home: Home, port: Int) throws {
        self.port = port
        if geteuid() == 0 {
            guard let entry = getpwnam("postgres") else {
                throw CommandError("the account `postgres` is missing; install the package postgresql-15")
            }
            account = Account(user: entry.pointee.pw_uid, group: entry.pointee.pw_gid)
            data = Self.isReachableByOthers(home.path) ? home.postgres : Self.fallback(for: home)
        } else {
            account = nil
            data = home.postgres
        }
        binaries = try Self.binaries(for: data)
    }

    /// Where the data lies, whether or not there is a server binary to use it.
    static func dataFolders(of home: Home) -> [FilePath] {
        [home.postgres, fallback(for: home)]
    }

    /// True when the data folder still has to be made by `initialise`.
    var isNew: Bool { !Files.exists(data.appending("PG_VERSION")) }

    /// Makes the data folder under a temporary name and renames it, so that a kill leaves none that is half made.
    func initialise(password: String, home: Home) async throws {
        let parent = data.removingLastComponent()
        try Files.makeDirectory(parent, mode: 0o711)
        let workshop = parent.appending("postgres.new")
        try await Files.removeTree(workshop)
        try Files.makeDirectory(workshop, mode: 0o700)
        let passwordFile = workshop.appending("password")
        try Files.write(Array(password.utf8), to: passwordFile, mode: .ownerReadWrite)
        if let account {
            chown(workshop.string, account.user, account.group)
            chown(passwordFile.string, account.user, account.group)
        }
        let fresh = workshop.appending("data")
        try await tool(
            binaries.appending("initdb").string,
            [
                "-D", fresh.string, "-U", Self.superuser, "--pwfile", passwordFile.string, "--auth=scram-sha-256",
                "--encoding=UTF8", "--locale=C.UTF-8",
            ], as: account, log: home.logs.appending("postgres.log"))
        guard rename(fresh.string, data.string) == 0 else { throw Files.failure("put in place", data) }
        try await Files.removeTree(workshop)
    }

    /// The server itself: loopback TCP only, stopped by SIGINT (fast shutdown: no waiting for clients).
    var process: SupervisedProcess {
        SupervisedProcess(
            name: "postgres", executable: binaries.appending("postgres"),
            arguments: [
                "-D", data.string, "-p", String(port), "-c", "listen_addresses=127.0.0.1",
                "-c", "unix_socket_directories=", "-c", "max_connections=100", "-c", "shared_buffers=256MB",
                "-c", "max_wal_size=2GB", "-c", "checkpoint_completion_target=0.9", "-c", "log_line_prefix=%m [%p] ",
            ],
            environment: [:], account: account, stopSignal: .interrupt)
    }

    private func tool(_ path: String, _ arguments: [String], as account: Account?, log: FilePath) async throws {
        let output = try LogFile.open(log)
        let command = Account.command(FilePath(path), arguments, as: account)
        let result = try await Subprocess.run(
            .path(command.executable), arguments: Arguments(command.arguments), workingDirectory: "/",
            output: .fileDescriptor(output, closeAfterSpawningProcess: true), error: .combinedWithOutput)
        guard result.terminationStatus.isSuccess else {
            throw CommandError("\(path) failed (\(result.terminationStatus)); see \(log)")
        }
    }

    /// A data folder is bound to the major version that made it; a new one takes the newest installed from 15 on.
    private static func binaries(for data: FilePath) throws -> FilePath {
        let made = try Files.read(data.appending("PG_VERSION")).map { String(decoding: $0, as: UTF8.self) }
        let wanted = made.flatMap { Int($0.split(whereSeparator: \.isWhitespace).first ?? "") }
        for version in (15...30).reversed() where wanted == nil || wanted == version {
            let folder = FilePath("/usr/lib/postgresql/\(version)/bin")
            if Files.exists(folder.appending("postgres")) { return folder }
        }
        throw CommandError(
            "PostgreSQL \(wanted.map(String.init) ?? "15") is not installed; "
                + "run `apt-get install postgresql-\(wanted ?? 15)` or set DATABASE_URL")
    }

    private static func isReachableByOthers(_ path: FilePath) -> Bool {
        var prefix = FilePath(root: path.root)
        for component in path.components {
            prefix.append(component)
            var status = stat()
            // A folder that does not exist yet will be made with 0711.
            if stat(prefix.string, &status) == 0, status.st_mode & S_IXOTH == 0 { return false }
        }
        return true
    }

    private static func fallback(for home: Home) -> FilePath {
        let name = String(FNV1a.hash64(home.path.string.utf8), radix: 16)
        return FilePath("/var/lib/collider").appending(name).appending("postgres")
    }
}
