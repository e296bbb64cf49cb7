import EventStore
import Glibc
import Logging
import Outbound
import Runtime
import SystemPackage
import UnixSignals

/// Starts the whole stack in order, keeps it running, and stops it in the opposite order.
///
/// PostgreSQL and Redis first (unless `DATABASE_URL` / `REDIS_URL` name others), then migrations and the first API
/// key, then the four services. Each child is a task that starts its process again when it ends; leaving the group of
/// tasks stops what it holds, so the services are gone before the servers that they write to.
struct Supervisor: Sendable {
    let home: Home
    let settings: StackSettings
    /// Progress for whoever is waiting; one line each.
    let say: @Sendable (String) -> Void

    /// Runs until SIGTERM or SIGINT. `whenReady` is called once, when everything is healthy.
    func run(whenReady: @Sendable @escaping (Credentials) async throws -> Void) async throws {
        let lock = try SupervisorLock.acquire(home)
        defer { lock.release() }
        try await endLeftovers()
        try settings.checkPorts()
        try await withKept(try await servers()) { servers in
            let credentials = try await prepareDatabase(servers)
            try await withKept(try settings.services(of: home)) { services in
                try await waitUntilHealthy(services)
                try await whenReady(credentials)
                await stopSignal()
                say("stopping the services")
            }
            say("stopping the servers")
        }
    }

    /// Ends children of a supervisor that was killed; they would hold ports and folders.
    private func endLeftovers() async throws {
        for name in StackSettings.stopOrder {
            guard let record = try ProcessRecord.read(Keeper.record(of: name, in: home)), record.isAlive else {
                continue
            }
            say("ending \(name) (pid \(record.pid)), left over from a supervisor that was killed")
            try await record.end(with: name == "postgres" ? SIGINT : SIGTERM, waiting: .seconds(30))
        }
    }

    private func servers() async throws -> [SupervisedProcess] {
        var processes: [SupervisedProcess] = []
        if let server = settings.postgres {
            if server.isNew {
                say("making a database in \(server.data)")
                try await server.initialise(password: settings.secrets.databasePassword, home: home)
            }
            say("starting PostgreSQL on port \(server.port)")
            processes.append(server.process)
        }
        if let server = settings.redis {
            try server.prepare(password: settings.secrets.redisPassword)
            say("starting Redis on port \(server.port)")
            processes.append(try server.process())
        }
        return processes
    }

    private func prepareDatabase(_ servers: [Keeper]) async throws -> Credentials {
        let database = StackDatabase(settings: settings)
        try await database.waitUntilReachable(servers)
        say("applying migrations")
        let applied = try await database.migrate()
        if applied > 0 { say("applied \(applied) migrations") }
        let resealed = try await database.resealSecrets()
        if resealed > 0 { say("encrypted the secrets of \(resealed) triggers and sources under the current key") }
        return try await database.credentials(in: home)
    }

    /// Runs `body` while each process is kept running; stops them when it ends, however it ends.
    private func withKept(
        _ processes: [SupervisedProcess], _ body: @Sendable ([Keeper]) async throws -> Void
    ) async throws {
        let keepers = processes.map { Keeper($0, home: home, report: say) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for keeper in keepers {
                group.addTask { try await keeper.run() }
            }
            defer { group.cancelAll() }
            try await body(keepers)
        }
    }

    private func waitUntilHealthy(_ services: [Keeper]) async throws {
        say("starting \(services.map(\.process.name).joined(separator: ", "))")
        let clock = ContinuousClock()
        let deadline = clock.now.advanced(by: .seconds(60))
        for service in services {
            while await !settings.isReady(service.process.name) {
                // Three ends without one healthy moment are a fault of the set-up, which waiting will not mend.
                guard service.exitCount < 3, clock.now < deadline else { throw unhealthy(service) }
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    private func unhealthy(_ keeper: Keeper) -> CommandError {
        let last = LogFile.lastLine(of: keeper.log).map { ": \($0)" } ?? ""
        return CommandError("\(keeper.process.name) did not become healthy\(last) (whole log: \(keeper.log))")
    }

    private func stopSignal() async {
        for await _ in await UnixSignalsSequence(trapping: [.sigterm, .sigint]) { return }
    }
}

/// Held by the one supervisor of a home; the kernel releases it whatever ends the process.
struct SupervisorLock {
    private let descriptor: CInt

    static func acquire(_ home: Home) throws -> SupervisorLock {
        let descriptor = open(home.lock.string, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Files.failure("open", home.lock) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw CommandError("the stack in \(home.path) is already running; `collider status` shows it")
        }
        try ProcessRecord(pid: getpid())?.write(to: Keeper.record(of: "supervisor", in: home))
        return SupervisorLock(descriptor: descriptor)
    }

    func release() {
        close(descriptor)
    }

    /// The supervisor of that home, when one runs.
    static func holder(_ home: Home) throws -> ProcessRecord? {
        let record = try ProcessRecord.read(Keeper.record(of: "supervisor", in: home))
        return record.flatMap { $0.isAlive ? $0 : nil }
    }
}
