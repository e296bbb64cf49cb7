import Subprocess
import SystemPackage

/// The private Redis of a stack: append-only, never evicting, behind a password, on loopback.
struct RedisServer: Sendable {
    let home: Home
    let port: Int

    private static let candidates = ["/usr/bin/redis-server", "/usr/local/bin/redis-server", "/usr/bin/valkey-server"]

    /// Writes the configuration (mode 0600: the password must not show in the process list).
    func prepare(password: String) throws {
        let lines = [
            "bind 127.0.0.1", "port \(port)", "dir \"\(home.redis)\"", "save \"\"", "appendonly yes",
            "maxmemory-policy noeviction", "requirepass \(password)", "daemonize no",
        ]
        try Files.write(
            Array((lines.joined(separator: "\n") + "\n").utf8), to: home.redis.appending("redis.conf"),
            mode: .ownerReadWrite)
    }

    func process() throws -> SupervisedProcess {
        guard let executable = Self.candidates.first(where: { Files.exists(FilePath($0)) }) else {
            throw CommandError("redis-server is not installed; run `apt-get install redis-server` or set REDIS_URL")
        }
        return SupervisedProcess(
            name: "redis", executable: FilePath(executable), arguments: [home.redis.appending("redis.conf").string],
            environment: [:], account: nil, stopSignal: .terminate)
    }
}
