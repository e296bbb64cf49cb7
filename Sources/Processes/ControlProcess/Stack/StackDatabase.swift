import EventModel
import EventStore
import Glibc
import Logging
import Runtime
import SystemPackage

/// What the command line does to a database as its owner.
struct StackDatabase: Sendable {
    let settings: StackSettings
    private let owner: ColliderConfiguration
    private let logger: Logger

    init(settings: StackSettings) {
        self.settings = settings
        owner = settings.ownerConfiguration()
        var logger = Logger(label: "collider") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        self.logger = logger
    }

    /// Waits for the server, 30 seconds at most, and makes the private server's database.
    ///
    /// - Parameter servers: given up early when one of these ends again and again.
    func waitUntilReachable(_ servers: [Keeper]) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now.advanced(by: .seconds(30))
        while true {
            do {
                return try await DatabaseCreation.ensure(
                    owner.database, maintenance: settings.postgres != nil, logger: logger)
            } catch {
                if let broken = servers.first(where: { $0.exitCount >= 3 }) {
                    let last = LogFile.lastLine(of: broken.log).map { ": \($0)" } ?? ""
                    throw CommandError("\(broken.process.name) does not start\(last) (whole log: \(broken.log))")
                }
                guard EventStoreError(explaining: error)?.isRetriable == true, clock.now < deadline else {
                    throw CommandError("\(owner.database) cannot be used: \(error)")
                }
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    /// Applies migrations and lets the services' account in; returns how many were applied.
    func migrate(serviceLogin: String? = nil) async throws -> Int {
        let migrator = Migrator(owner.database, folder: try Executables.migrations().string, logger: logger)
        let count = try await migrator.run { name in Terminal.line("  applying \(name)") }
        if let login = serviceLogin ?? (settings.postgres == nil ? nil : StackSettings.serviceLogin) {
            let given = getenv("DB_SERVICE_PASSWORD").map { String(cString: $0) }
            guard let password = settings.postgres == nil ? given : settings.secrets.databasePassword else {
                throw CommandError("DB_SERVICE_PASSWORD is not set; \(login) needs a password")
            }
            try await migrator.grantServices(to: login, password: password)
        }
        return count
    }

    /// The stored credentials, or those of a first key that is made now.
    func credentials(in home: Home) async throws -> Credentials {
        let stored = try Credentials.read(home)
        if let stored, stored.baseURL == settings.baseURL { return stored }
        let credentials: Credentials
        if let stored {
            // The port has changed since; the key has not.
            credentials = Credentials(
                baseURL: settings.baseURL, apiKey: stored.apiKey, organizationID: stored.organizationID)
        } else {
            let made = try await withKeys { keys in
                try await keys.create(organization: "default", name: "collider up", scopes: [.admin])
            }
            credentials = Credentials(
                baseURL: settings.baseURL, apiKey: made.plaintext, organizationID: made.organizationID.description)
        }
        try credentials.write(to: home)
        return credentials
    }

    /// Lends the key store, as the administrator's role.
    func withKeys<R>(_ body: (KeyStore) async throws -> R) async throws -> R {
        let pool = EventStorePool.make(owner.database, role: .admin, name: "collider", logger: logger)
        return try await body(try KeyStore(pool: pool, secret: owner.jwtSecret))
    }

    /// Lends the people, as the owner, who may take on the role of identity.
    func withPeople<R>(_ body: (PeopleStore) async throws -> R) async throws -> R {
        let pool = EventStorePool.make(owner.database, role: nil, name: "collider", logger: logger)
        return try await body(try PeopleStore(pool: pool, secret: owner.jwtSecret))
    }

    /// Lends the audit log, as the administrator's role.
    func withAudit<R>(_ body: (AuditStore) async throws -> R) async throws -> R {
        let pool = EventStorePool.make(owner.database, role: .admin, name: "collider", logger: logger)
        return try await body(try AuditStore(pool: pool, secret: owner.jwtSecret))
    }

    /// Who works here, for whatever is written down in the audit log.
    func operatorOfStack() throws -> AuditActor {
        try .commandLine(secret: owner.jwtSecret)
    }

    /// Lends what is known of stored secrets, as the administrator's role.
    func withSecrets<R>(_ body: (SecretStore) async throws -> R) async throws -> R {
        let pool = EventStorePool.make(owner.database, role: .admin, name: "collider", logger: logger)
        let keyring = try Keyring(owner.encryption)
        return try await body(SecretStore(pool: pool, keyring: keyring, secret: owner.jwtSecret))
    }

    /// Encrypts anew what an earlier release, or an earlier key, has left; returns how many triggers and sources.
    ///
    /// For the time before the services start: they might lack the key.
    func resealSecrets() async throws -> Int {
        let survey = try await withSecrets { store in
            try await store.isOutdated() ? try await store.reseal() : nil
        }
        guard let survey else { return 0 }
        if let failure = survey.failures.first {
            throw CommandError("stored secrets can't be encrypted anew: \(failure)")
        }
        try settings.forgetOldKeys()
        return survey.resealed
    }

    /// Lends the policies of retention and the partitions, as the administrator's role.
    func withRetention<R>(_ body: (RetentionStore) async throws -> R) async throws -> R {
        let pool = EventStorePool.make(owner.database, role: .admin, name: "collider", logger: logger)
        return try await body(RetentionStore(pool: pool))
    }

    /// Lends the account of the language model, as the administrator's role.
    func withModels<R>(_ body: (ModelStore) async throws -> R) async throws -> R {
        let pool = EventStorePool.make(owner.database, role: .admin, name: "collider", logger: logger)
        return try await body(ModelStore(pool: pool, budget: owner.languageModelBudget))
    }
}
