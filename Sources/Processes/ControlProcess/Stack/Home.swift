import Glibc
import SystemPackage

/// The folder that holds all state of one stack (`COLLIDER_HOME`, `.collider` by default).
///
/// Two homes with different ports run side by side; nothing of a stack lies outside its home but the ring and, where
/// the home cannot be reached by the account that PostgreSQL must run as, the database (see `PostgresServer`).
struct Home: Sendable {
    let path: FilePath

    var logs: FilePath { path.appending("logs") }
    var run: FilePath { path.appending("run") }
    var postgres: FilePath { path.appending("postgres") }
    var redis: FilePath { path.appending("redis") }
    /// `{"base_url","api_key","organization_id"}`, for people and clients.
    var credentials: FilePath { path.appending("credentials.json") }
    /// Passwords and the signing secret that `up` made, for the services alone.
    var secrets: FilePath { path.appending("secrets.json") }
    /// What people's logins left, for the command line alone.
    var profiles: FilePath { path.appending("profiles.json") }
    /// Locked while a profile changes.
    var profilesLock: FilePath { run.appending("profiles.lock") }
    /// Locked for as long as a supervisor runs.
    var lock: FilePath { run.appending("supervisor.lock") }

    /// The path made absolute, so that the detached supervisor and its children agree on it.
    init(_ text: String) throws {
        let given = FilePath(text)
        if given.isAbsolute {
            path = given.lexicallyNormalized()
            return
        }
        guard let raw = getcwd(nil, 0) else { throw CommandError("the working directory is gone") }
        defer { free(raw) }
        path = FilePath(platformString: raw).pushing(given).lexicallyNormalized()
    }

    /// Makes the folders that are missing. The home itself may be entered but not listed by others (0711), so that
    /// PostgreSQL under an account of its own reaches its folder.
    func create() throws {
        try Files.makeDirectory(path, mode: 0o711)
        for folder in [logs, run, redis] {
            try Files.makeDirectory(folder, mode: 0o700)
        }
    }
}
