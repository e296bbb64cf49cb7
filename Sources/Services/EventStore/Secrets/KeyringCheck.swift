public import Logging
public import PostgresWire
import Runtime
public import ServiceLifecycle

/// Holds the keys of a process against those that stored secrets are sealed under, at the start and now and then.
///
/// A process with a wrong key would fail at every secret, one by one, and a gateway would seal new ones that nobody
/// else can open. So it ends at once, with a line that says which key is missing.
public struct KeyringCheck: Service {
    private let pool: PostgresPool
    private let keyring: Keyring
    private let seals: Bool
    private let interval: Duration
    private let logger: Logger

    /// Makes a check.
    ///
    /// - Parameters:
    ///   - seals: whether the process seals secrets, and so brings its key into use.
    ///   - interval: from one look to the next, once it has been all right.
    public init(
        pool: PostgresPool, keyring: Keyring, seals: Bool, interval: Duration = .seconds(60), logger: Logger
    ) {
        self.pool = pool
        self.keyring = keyring
        self.seals = seals
        self.interval = interval
        self.logger = logger
    }

    /// Looks until graceful shutdown. While PostgreSQL is away there is nothing to look at.
    ///
    /// - Throws: ``ConfigurationError`` when a key is missing at the start. Later that is logged: it is a rotation that
    ///   began at the wrong end, and the deliveries wait.
    public func run() async throws {
        var isVerified = false
        var backoff = Backoff(initial: .milliseconds(200), maximum: .seconds(5))
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            var pause = interval
            do {
                try await verify()
                isVerified = true
                backoff.reset()
            } catch let error as ConfigurationError {
                guard isVerified else { throw error }
                logger.error("secrets.key_missing", metadata: ["error": "\(error)"])
            } catch {
                // The pool logs that PostgreSQL is away.
                pause = backoff.next()
            }
            await cancelWhenGracefulShutdown { [pause] in try? await Task.sleep(for: pause) }
        }
    }

    /// One look.
    ///
    /// - Throws: ``ConfigurationError`` when a key in use is not here.
    func verify() async throws {
        let ids = try await pool.query(SecretStatements.keys).map { try $0.decode(0, as: String.self) }
        if let missing = ids.first(where: { !keyring.ids.contains($0) }) {
            throw ConfigurationError(
                key: "COLLIDER_ENCRYPTION_KEY",
                message:
                    "stored secrets are encrypted under the key \(missing), and here is \(keyring.currentID); give "
                    + "the other one too, in COLLIDER_ENCRYPTION_KEYS_OLD")
        }
        if seals, !ids.contains(keyring.currentID) {
            _ = try await pool.query(SecretStatements.use, [.text(keyring.currentID)])
        }
    }
}
