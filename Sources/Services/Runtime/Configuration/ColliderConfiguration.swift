import Logging

/// Everything that an installation can set, checked once at the start.
///
/// The properties are variables so that a test can take ``load(environment:)`` of nothing and change what it needs.
public struct ColliderConfiguration: Sendable {
    /// Where PostgreSQL is and how to log in.
    public var database: DatabaseSettings
    /// Where Redis is and how to log in.
    public var redis: RedisSettings
    /// Where api-gateway listens.
    public var server: ServerSettings
    /// Key behind tokens and stored API keys, at least 32 bytes; nil until somebody sets it.
    public var jwtSecret: String?
    /// The keys that encrypt stored secrets.
    public var encryption: EncryptionSettings
    /// Who may make an account, and whose word counts about addresses.
    public var identity: IdentitySettings
    /// Least severe level that is logged.
    public var logLevel: Logger.Level
    /// Shape of a log line.
    public var logFormat: LogFormat
    /// Folder of credentials, logs, data and process ids.
    public var home: String
    /// The shared-memory ring.
    public var ring: RingSettings
    /// Chat service of llm actions.
    public var languageModel: ModelSettings
    /// What an organization without a budget of its own may use of it.
    public var languageModelBudget: BudgetSettings
    /// Embedding service; without a base URL the built-in lexical embedder works.
    public var embedding: ModelSettings
    /// Base URL of the Telegram Bot API, without a slash at the end.
    public var telegramAPIBase: String
    /// Private address blocks that actions may reach all the same, as written.
    public var outboundAllow: [String]
    /// How long a delivery stays with a worker that no longer answers.
    public var deliveryLeaseSeconds: Int
    /// Deliveries that a worker process sends at a time.
    public var workerConcurrency: Int
    /// Health and metrics of api-gateway, where its own port speaks TLS.
    public var gatewayMetricsPort: Int
    /// Health and metrics port of event-processor.
    public var processorMetricsPort: Int
    /// Health and metrics port of action-workers.
    public var workersMetricsPort: Int
    /// Health and metrics port of collider-writer.
    public var writerMetricsPort: Int
}

/// How to reach and enter PostgreSQL.
public struct DatabaseSettings: Sendable, Equatable, CustomStringConvertible {
    /// Host name, address, or folder of the Unix socket (starts with a slash).
    public var host: String
    /// TCP port.
    public var port: Int
    /// Name of the database.
    public var name: String
    /// Login name.
    public var user: String
    /// Password, nil where none is needed.
    public var password: String?
    /// Most connections of one process.
    public var maxConnections: Int
    /// Whether `DATABASE_URL` was given, so that the database is somebody else's to run.
    public var isExternal: Bool

    /// Creates settings.
    public init(
        host: String, port: Int, name: String, user: String, password: String?, maxConnections: Int = 10,
        isExternal: Bool = false
    ) {
        self.host = host
        self.port = port
        self.name = name
        self.user = user
        self.password = password
        self.maxConnections = maxConnections
        self.isExternal = isExternal
    }

    /// The address without the password.
    public var description: String { "postgres://\(user)@\(host):\(port)/\(name)" }
}

/// How to reach and enter Redis.
public struct RedisSettings: Sendable, Equatable, CustomStringConvertible {
    /// Host name or address.
    public var host: String
    /// TCP port.
    public var port: Int
    /// Password, nil where none is needed.
    public var password: String?
    /// Whether `REDIS_URL` was given, so that the server is somebody else's to run.
    public var isExternal: Bool

    /// Creates settings.
    public init(host: String, port: Int, password: String? = nil, isExternal: Bool = false) {
        self.host = host
        self.port = port
        self.password = password
        self.isExternal = isExternal
    }

    /// The address without the password.
    public var description: String { "redis://\(host):\(port)" }
}

/// The keys that encrypt stored secrets, each of 32 bytes.
public struct EncryptionSettings: Sendable, Equatable, CustomStringConvertible {
    /// What new secrets are encrypted under; nil until somebody sets it.
    public var current: [UInt8]?
    /// What older ones may still be encrypted under.
    public var old: [[UInt8]]

    /// Creates settings.
    public init(current: [UInt8]? = nil, old: [[UInt8]] = []) {
        self.current = current
        self.old = old
    }

    /// How many keys there are, and nothing about them.
    public var description: String { "\(current == nil ? "no key" : "a key") and \(old.count) old ones" }
}

/// Who may make an account, and whose word counts about addresses.
public struct IdentitySettings: Sendable, Equatable {
    /// Who may make an account.
    public enum Registration: String, Sendable { case open, invited }

    /// Who may make an account.
    public var registration: Registration
    /// Address blocks of proxies whose `X-Forwarded-For` is believed, as written.
    public var trustedProxies: [String]

    /// Creates settings.
    public init(registration: Registration = .open, trustedProxies: [String] = []) {
        self.registration = registration
        self.trustedProxies = trustedProxies
    }
}

/// Where a server listens, and how long its clients may take.
public struct ServerSettings: Sendable, Equatable {
    /// Address to bind.
    public var host: String
    /// TCP port to bind; 0 lets the system choose, which only tests do.
    public var port: Int
    /// From a connection to the end of its first head.
    public var headSeconds: Int
    /// From a head to the end of its body.
    public var bodySeconds: Int
    /// From an answer to the end of the next head, between two pieces of a body, and between two reads of an answer.
    public var idleSeconds: Int
    /// In which requests are still taken although the server is to stop.
    public var drainSeconds: Int
    /// What TLS is spoken with; nil for none.
    public var security: TransportSecurity?
    /// Origins of pages that may call the API, as browsers send them; `*` for all.
    public var corsOrigins: [String]
    /// Whether changes of a trigger must say which version they are meant for.
    public var requiresIfMatch: Bool

    /// How many requests are taken in a time.
    public var limits: RequestLimitSettings

    /// Creates settings.
    public init(
        host: String, port: Int, headSeconds: Int = 15, bodySeconds: Int = 60, idleSeconds: Int = 75,
        drainSeconds: Int = 0, security: TransportSecurity? = nil, corsOrigins: [String] = [],
        requiresIfMatch: Bool = false,
        limits: RequestLimitSettings = RequestLimitSettings()
    ) {
        self.host = host
        self.port = port
        self.headSeconds = headSeconds
        self.bodySeconds = bodySeconds
        self.idleSeconds = idleSeconds
        self.drainSeconds = drainSeconds
        self.security = security
        self.corsOrigins = corsOrigins
        self.requiresIfMatch = requiresIfMatch
        self.limits = limits
    }
}

/// Files that a server proves itself with.
public struct TransportSecurity: Sendable, Equatable {
    /// Path of the chain of certificates (PEM).
    public var certificate: String
    /// Path of the private key (PEM).
    public var key: String

    /// Creates settings.
    public init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }
}

extension ColliderConfiguration {
    /// Where api-gateway says in the clear how it is.
    public var gatewayHealthPort: Int { server.security == nil ? server.port : gatewayMetricsPort }
}

/// How many requests are taken of a key, or of an address, by class; nil members are not bounded.
public struct RequestLimitSettings: Sendable, Equatable {
    /// Requests with events, of a key.
    public var ingest: RateSettings?
    /// Requests that read, of a key.
    public var read: RateSettings?
    /// Requests that change anything else, of a key.
    public var write: RateSettings?
    /// Logins and the like, of an address.
    public var login: RateSettings?

    /// Creates settings.
    public init(
        ingest: RateSettings? = nil, read: RateSettings? = nil, write: RateSettings? = nil,
        login: RateSettings? = nil
    ) {
        self.ingest = ingest
        self.read = read
        self.write = write
        self.login = login
    }
}

/// So many in a time.
public struct RateSettings: Sendable, Equatable {
    /// How many.
    public var count: Int
    /// In how many seconds.
    public var seconds: Int

    /// Creates settings.
    public init(count: Int, seconds: Int) {
        self.count = count
        self.seconds = seconds
    }
}

/// The shared-memory ring.
public struct RingSettings: Sendable, Equatable {
    /// Path of the file.
    public var path: String
    /// Number of frames.
    public var capacity: Int
    /// How they lie: full or compact.
    public var layout: String

    /// Creates settings.
    public init(path: String, capacity: Int, layout: String = "full") {
        self.path = path
        self.capacity = capacity
        self.layout = layout
    }
}

/// An OpenAI-compatible service.
public struct ModelSettings: Sendable, Equatable, CustomStringConvertible {
    /// Base URL without a slash at the end; nil when the service is not used.
    public var baseURL: String?
    /// API key.
    public var apiKey: String?
    /// Model name.
    public var model: String?

    /// Creates settings.
    public init(baseURL: String? = nil, apiKey: String? = nil, model: String? = nil) {
        self.baseURL = baseURL
        self.apiKey = apiKey
        self.model = model
    }

    /// Model and base URL, without the key.
    public var description: String { "\(model ?? "default model") at \(baseURL ?? "none")" }
}

/// How much of a model a day may use; nil members are not bounded.
public struct BudgetSettings: Sendable, Equatable {
    /// Tokens of questions and answers.
    public var tokensPerDay: Int?
    /// Seconds in which the model is busy.
    public var secondsPerDay: Int?

    /// Creates settings.
    public init(tokensPerDay: Int? = nil, secondsPerDay: Int? = nil) {
        self.tokensPerDay = tokensPerDay
        self.secondsPerDay = secondsPerDay
    }
}

/// Shape of a log line.
public enum LogFormat: String, Sendable, CaseIterable {
    /// For people: time, level, label, message, key=value.
    case text
    /// For collectors: one JSON object a line.
    case json
}
