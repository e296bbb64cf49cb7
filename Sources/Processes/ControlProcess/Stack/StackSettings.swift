import Outbound
import Runtime
import Subprocess
import SystemPackage

/// What `up` decides before it starts anything: which servers are private, on which ports, and what each child is told.
struct StackSettings: Sendable {
    /// In the order in which they are stopped: what depends on others first.
    static let stopOrder = serviceNames + ["redis", "postgres"]
    static let serviceNames = ["api-gateway", "event-processor", "action-workers", "collider-writer"]
    /// The account that the services log in with; it owns nothing and takes on one of the services' roles.
    static let serviceLogin = "collider_service"

    let configuration: ColliderConfiguration
    let home: Home
    let secrets: StackSecrets
    /// Nil when `DATABASE_URL` names a server of somebody else's.
    let postgres: PostgresServer?
    /// Nil when `REDIS_URL` names a server of somebody else's.
    let redis: RedisServer?

    static func home() async throws -> Home {
        try Home(try await ColliderConfiguration.load().home)
    }

    static func load() async throws -> StackSettings {
        let configuration = try await ColliderConfiguration.load()
        let home = try Home(configuration.home)
        try home.create()
        let ports = try PrivatePorts.loadOrChoose(in: home)
        return StackSettings(
            configuration: configuration, home: home, secrets: try StackSecrets.loadOrCreate(in: home),
            postgres: configuration.database.isExternal ? nil : try PostgresServer(home: home, port: ports.postgres),
            redis: configuration.redis.isExternal ? nil : RedisServer(home: home, port: ports.redis))
    }

    var baseURL: String {
        let scheme = configuration.server.security == nil ? "http" : "https"
        return "\(scheme)://\(configuration.server.host):\(configuration.server.port)"
    }

    /// One clear line when a port that a service needs is taken.
    func checkPorts() throws {
        let needed = [
            ("SERVER_PORT", configuration.server.port), ("PROCESSOR_METRICS_PORT", configuration.processorMetricsPort),
            ("WORKERS_METRICS_PORT", configuration.workersMetricsPort),
            ("WRITER_METRICS_PORT", configuration.writerMetricsPort),
        ]
        let health = ("GATEWAY_METRICS_PORT", configuration.gatewayMetricsPort)
        for (key, port) in needed + (configuration.server.security == nil ? [] : [health]) where !Ports.isFree(port) {
            throw CommandError("port \(port) is in use; set \(key) to a free one (or stop what uses it)")
        }
    }

    /// The four services, told where the servers are.
    func services(of home: Home) throws -> [SupervisedProcess] {
        let environment = serviceEnvironment()
        return try Self.serviceNames.map { name in
            SupervisedProcess(
                name: name, executable: try Executables.sibling(name), arguments: [], environment: environment,
                account: nil, stopSignal: .terminate)
        }
    }

    /// The configuration of a command that works on the database as its owner (migrations, keys).
    func ownerConfiguration() -> ColliderConfiguration {
        var owner = configuration
        if let postgres {
            owner.database = DatabaseSettings(
                host: "127.0.0.1", port: postgres.port, name: PostgresServer.database, user: PostgresServer.superuser,
                password: secrets.databasePassword, maxConnections: 2)
        }
        owner.jwtSecret = configuration.jwtSecret ?? secrets.signingSecret
        owner.encryption = encryption
        return owner
    }

    /// The keys of stored secrets. Those of the home open what was encrypted before somebody set others.
    var encryption: EncryptionSettings {
        var keys = configuration.encryption
        let own = ([secrets.encryptionKey] + secrets.oldEncryptionKeys).compactMap { Hexadecimal.bytes($0) }
        if keys.current == nil { keys.current = own.first }
        keys.old += own.filter { $0 != keys.current && !keys.old.contains($0) }
        return keys
    }

    /// Keeps the current key alone, when nothing lies under the others any more.
    func forgetOldKeys() throws {
        guard !secrets.oldEncryptionKeys.isEmpty else { return }
        var fewer = secrets
        fewer.oldEncryptionKeys = []
        try fewer.write(to: home)
    }

    private func serviceEnvironment() -> [String: String] {
        var environment = [
            "COLLIDER_HOME": home.path.string, "JWT_SECRET": configuration.jwtSecret ?? secrets.signingSecret,
            "COLLIDER_ENCRYPTION_KEY": Hexadecimal.text(encryption.current ?? []),
            "COLLIDER_ENCRYPTION_KEYS_OLD": encryption.old.map { Hexadecimal.text($0) }.joined(separator: ","),
        ]
        if let postgres {
            environment["DB_HOST"] = "127.0.0.1"
            environment["DB_PORT"] = String(postgres.port)
            environment["DB_NAME"] = PostgresServer.database
            environment["DB_USER"] = Self.serviceLogin
            environment["DB_PASSWORD"] = secrets.databasePassword
        }
        if let redis {
            environment["REDIS_HOST"] = "127.0.0.1"
            environment["REDIS_PORT"] = String(redis.port)
            environment["REDIS_PASSWORD"] = secrets.redisPassword
        }
        return environment
    }

    /// True when the service answers its readiness check with 200.
    func isReady(_ service: String) async -> Bool {
        let ports = [
            "api-gateway": configuration.gatewayHealthPort, "event-processor": configuration.processorMetricsPort,
            "action-workers": configuration.workersMetricsPort, "collider-writer": configuration.writerMetricsPort,
        ]
        guard let port = ports[service] else { return false }
        return await Probe.isReady(port: port)
    }
}
