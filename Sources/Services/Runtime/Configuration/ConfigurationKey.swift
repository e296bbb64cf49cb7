/// One key of the environment: its name, what it accepts, its default, and one sentence for whoever sets it.
///
/// ``all`` is the only list of keys: values are read through it, `.env.example` is tested against it.
public struct ConfigurationKey: Sendable {
    /// What values a key accepts.
    public enum Accepted: Sendable {
        /// Any text of at least so many bytes.
        case text(minimumBytes: Int = 1)
        /// A whole number within the range.
        case integer(ClosedRange<Int>)
        /// One word of a closed list.
        case oneOf([String])
        /// A URL with one of these schemes.
        case url(schemes: [String])
        /// So many in a time, such as `600/1m`, or `off`.
        case rate
        /// Origins of web pages, separated by commas, or `*`.
        case origins
        /// Address blocks, separated by commas.
        case blocks
        /// At most so many keys of 32 bytes, each in hexadecimal or Base64, separated by commas.
        case encryptionKeys(maximum: Int)
    }

    /// Name of the environment variable.
    public let name: String
    /// What values are accepted.
    public let accepted: Accepted
    /// The value that counts when the variable is unset or empty; nil leaves the feature off or the choice to the code.
    public let defaultValue: String?
    /// Whether the value must never appear in messages and logs.
    public let isSecret: Bool
    /// One sentence that says what the key is for.
    public let sentence: String

    private init(
        _ name: String, _ accepted: Accepted, default defaultValue: String? = nil, secret: Bool = false,
        _ sentence: String
    ) {
        self.name = name
        self.accepted = accepted
        self.defaultValue = defaultValue
        self.isSecret = secret
        self.sentence = sentence
    }
}

extension ConfigurationKey {
    private static let port = Accepted.integer(1...65_535)

    static let databaseURL = ConfigurationKey(
        "DATABASE_URL", .url(schemes: ["postgres", "postgresql"]), secret: true,
        "Address of a PostgreSQL of your own, postgres://user:password@host:port/database; replaces every DB_ key.")
    static let databaseHost = ConfigurationKey(
        "DB_HOST", .text(), default: "127.0.0.1", "Host name or address of PostgreSQL.")
    static let databasePort = ConfigurationKey("DB_PORT", port, default: "5432", "TCP port of PostgreSQL.")
    static let databaseName = ConfigurationKey("DB_NAME", .text(), default: "collider", "Name of the database.")
    static let databaseUser = ConfigurationKey(
        "DB_USER", .text(), default: "collider", "User that the services log in as.")
    static let databasePassword = ConfigurationKey(
        "DB_PASSWORD", .text(), secret: true, "Password of that user; empty where the server asks for none.")
    static let databaseMaxConnections = ConfigurationKey(
        "DB_MAX_CONNECTIONS", .integer(1...200), default: "10",
        "Most connections that one process keeps open to PostgreSQL.")
    static let redisURL = ConfigurationKey(
        "REDIS_URL", .url(schemes: ["redis"]), secret: true,
        "Address of a Redis of your own, redis://:password@host:port; replaces every REDIS_ key.")
    static let redisHost = ConfigurationKey(
        "REDIS_HOST", .text(), default: "127.0.0.1", "Host name or address of Redis.")
    static let redisPort = ConfigurationKey("REDIS_PORT", port, default: "6379", "TCP port of Redis.")
    static let redisPassword = ConfigurationKey(
        "REDIS_PASSWORD", .text(), secret: true, "Password of Redis; empty where it asks for none.")
    static let serverHost = ConfigurationKey(
        "SERVER_HOST", .text(), default: "127.0.0.1",
        "Address that api-gateway listens on; 0.0.0.0 for every interface.")
    static let serverPort = ConfigurationKey("SERVER_PORT", port, default: "8080", "TCP port of api-gateway.")
    static let corsOrigins = ConfigurationKey(
        "CORS_ORIGINS", .origins,
        "Origins of web pages that may call the API, such as https://app.example.com (separated by commas), or *.")
    static let requireIfMatch = ConfigurationKey(
        "REQUIRE_IF_MATCH", .oneOf(["true", "false"]), default: "false",
        "Whether a change of a trigger must name the version that it is meant for, by If-Match.")
    static let ingestLimit = ConfigurationKey(
        "RATE_LIMIT_INGEST", .rate, default: "off",
        "Requests with events that a key may send in a time, such as 60000/1m; off for any number.")
    static let readLimit = ConfigurationKey(
        "RATE_LIMIT_READ", .rate, default: "off",
        "Requests that read which a key may send in a time, such as 1200/1m; off for any number.")
    static let writeLimit = ConfigurationKey(
        "RATE_LIMIT_WRITE", .rate, default: "off",
        "Requests that change anything else which a key may send in a time, such as 300/1m; off for any number.")
    static let loginLimit = ConfigurationKey(
        "RATE_LIMIT_LOGIN", .rate, default: "30/1m",
        "Logins and the like that an address may try in a time; off for any number.")
    static let serverHeadSeconds = ConfigurationKey(
        "SERVER_HEAD_SECONDS", .integer(1...600), default: "15",
        "Most seconds from a connection to the end of its first request's head.")
    static let serverBodySeconds = ConfigurationKey(
        "SERVER_BODY_SECONDS", .integer(1...3600), default: "60",
        "Most seconds from the head of a request to the end of its body.")
    static let serverIdleSeconds = ConfigurationKey(
        "SERVER_IDLE_SECONDS", .integer(1...3600), default: "75",
        "Most seconds from an answer to the next head, and between two pieces of a body or of an answer.")
    static let serverDrainSeconds = ConfigurationKey(
        "SERVER_DRAIN_SECONDS", .integer(0...10), default: "1",
        "Seconds in which api-gateway still takes requests when it is to stop, but says that it is not ready.")
    static let certificate = ConfigurationKey(
        "TLS_CERTIFICATE", .text(),
        "File with api-gateway's certificate chain (PEM, its own first); with TLS_KEY, the port speaks TLS only.")
    static let certificateKey = ConfigurationKey(
        "TLS_KEY", .text(),
        "File with the private key of that certificate (PEM), which others must not be able to read.")
    static let jwtSecret = ConfigurationKey(
        "JWT_SECRET", .text(minimumBytes: 32), secret: true,
        "Secret of at least 32 bytes behind tokens and stored API keys; make up creates one and keeps it.")
    static let encryptionKey = ConfigurationKey(
        "COLLIDER_ENCRYPTION_KEY", .encryptionKeys(maximum: 1), secret: true,
        "Key of 32 bytes, in hexadecimal or Base64, that encrypts stored secrets; make up creates one and keeps it.")
    static let oldEncryptionKeys = ConfigurationKey(
        "COLLIDER_ENCRYPTION_KEYS_OLD", .encryptionKeys(maximum: 16), secret: true,
        "Earlier encryption keys (separated by commas), which still open what was encrypted under them.")
    static let logLevel = ConfigurationKey(
        "LOG_LEVEL", .oneOf(["trace", "debug", "info", "notice", "warning", "error", "critical"]), default: "info",
        "Least severe level that is logged.")
    static let registration = ConfigurationKey(
        "REGISTRATION", .oneOf(["open", "invited"]), default: "open",
        "Who may make an account: anybody who reaches the gateway, or only whom an organization has invited.")
    static let trustedProxies = ConfigurationKey(
        "TRUSTED_PROXIES", .blocks,
        "Address blocks (CIDR, separated by commas) of proxies whose X-Forwarded-For is believed.")
    static let logFormat = ConfigurationKey(
        "LOG_FORMAT", .oneOf(["text", "json"]), default: "text", "Shape of a log line: text to read, json to collect.")
    static let home = ConfigurationKey(
        "COLLIDER_HOME", .text(), default: ".collider",
        "Folder where make up keeps credentials, logs, data and process ids.")
    static let ringPath = ConfigurationKey(
        "RING_PATH", .text(), default: "/dev/shm/collider", "File of the shared-memory ring of frames.")
    static let ringCapacity = ConfigurationKey(
        "RING_CAPACITY", .integer(2...100_000_000), default: "100000",
        "Number of frames that the ring holds; each takes 4224 bytes, or 1152 when compact.")
    static let ringLayout = ConfigurationKey(
        "RING_LAYOUT", .oneOf(["full", "compact"]), default: "full",
        "Shape of a frame: full with the embedding as floats, compact with it as bytes and a scale.")
    static let languageModelURL = ConfigurationKey(
        "LLM_BASE_URL", .url(schemes: ["http", "https"]), "Base URL of an OpenAI-compatible chat service.")
    static let languageModelAPIKey = ConfigurationKey(
        "LLM_API_KEY", .text(), secret: true, "API key of that chat service.")
    static let languageModelName = ConfigurationKey("LLM_MODEL", .text(), "Model that llm actions use by default.")
    static let languageModelTokens = ConfigurationKey(
        "LLM_TOKENS_PER_DAY", .integer(0...1_000_000_000_000),
        "Tokens that an organization without a budget of its own may use in a day (UTC); empty for any number.")
    static let languageModelSeconds = ConfigurationKey(
        "LLM_SECONDS_PER_DAY", .integer(0...10_000_000),
        "Seconds that such an organization may keep the model busy in a day; empty for any number.")
    static let embeddingURL = ConfigurationKey(
        "EMBEDDING_BASE_URL", .url(schemes: ["http", "https"]),
        "Base URL of an OpenAI-compatible embedding service; empty for the built-in lexical embedder.")
    static let embeddingAPIKey = ConfigurationKey(
        "EMBEDDING_API_KEY", .text(), secret: true, "API key of that embedding service.")
    static let embeddingModel = ConfigurationKey(
        "EMBEDDING_MODEL", .text(), "Model that turns event text into vectors.")
    static let telegramAPIBase = ConfigurationKey(
        "TELEGRAM_API_BASE", .url(schemes: ["http", "https"]), default: "https://api.telegram.org",
        "Base URL of the Telegram Bot API.")
    static let outboundAllow = ConfigurationKey(
        "OUTBOUND_ALLOW", .blocks,
        "Private address blocks (CIDR, separated by commas) that actions may reach all the same.")
    static let deliveryLease = ConfigurationKey(
        "DELIVERY_LEASE_SECONDS", .integer(3...600), default: "30",
        "How long a delivery stays with a worker that no longer answers; workers renew it at a third of that.")
    static let workerConcurrency = ConfigurationKey(
        "WORKER_CONCURRENCY", .integer(1...1_000), default: "64",
        "Deliveries that one action-workers process sends at a time; at most 8 of them go to one endpoint.")
    static let gatewayMetricsPort = ConfigurationKey(
        "GATEWAY_METRICS_PORT", port, default: "9104",
        "TCP port of api-gateway's health and metrics on the loopback address, for when its own port speaks TLS.")
    static let processorMetricsPort = ConfigurationKey(
        "PROCESSOR_METRICS_PORT", port, default: "9101", "TCP port of event-processor's health and metrics.")
    static let workersMetricsPort = ConfigurationKey(
        "WORKERS_METRICS_PORT", port, default: "9102", "TCP port of action-workers' health and metrics.")
    static let writerMetricsPort = ConfigurationKey(
        "WRITER_METRICS_PORT", port, default: "9103", "TCP port of collider-writer's health and metrics.")

    /// Every key there is, in the order of `.env.example`.
    public static let all: [ConfigurationKey] = [
        databaseURL, databaseHost, databasePort, databaseName, databaseUser, databasePassword, databaseMaxConnections,
        redisURL, redisHost, redisPort, redisPassword, serverHost, serverPort, corsOrigins, requireIfMatch,
        ingestLimit, readLimit, writeLimit, loginLimit, serverHeadSeconds, serverBodySeconds, serverIdleSeconds,
        serverDrainSeconds, certificate, certificateKey, jwtSecret, registration, trustedProxies, encryptionKey,
        oldEncryptionKeys, logLevel, logFormat, home, ringPath, ringCapacity, ringLayout, languageModelURL,
        languageModelAPIKey, languageModelName, languageModelTokens, languageModelSeconds, embeddingURL,
        embeddingAPIKey, embeddingModel, telegramAPIBase, outboundAllow, deliveryLease, workerConcurrency,
        gatewayMetricsPort, processorMetricsPort, workersMetricsPort, writerMetricsPort,
    ]
}
