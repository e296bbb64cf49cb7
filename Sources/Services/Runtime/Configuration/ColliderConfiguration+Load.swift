import Configuration
import Logging
import SystemPackage

extension ColliderConfiguration {
    /// Reads the process environment, and `.env` in the working directory for what that leaves open.
    ///
    /// - Throws: ``ConfigurationError`` for the first value that is not accepted.
    public static func load() async throws(ConfigurationError) -> ColliderConfiguration {
        let file: EnvironmentVariablesProvider
        do {
            file = try await EnvironmentVariablesProvider(environmentFilePath: ".env", allowMissing: true)
        } catch {
            throw ConfigurationError(key: ".env", message: "the file exists and could not be read")
        }
        return try load(ConfigReader(providers: [EnvironmentVariablesProvider(), file]))
    }

    /// Reads the given variables and nothing else.
    ///
    /// - Throws: ``ConfigurationError`` for the first value that is not accepted.
    public static func load(environment: [String: String]) throws(ConfigurationError) -> ColliderConfiguration {
        try load(ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: environment)))
    }

    private static func load(_ reader: ConfigReader) throws(ConfigurationError) -> ColliderConfiguration {
        let values = ConfigurationValues(reader: reader)
        return ColliderConfiguration(
            database: try database(values),
            redis: try redis(values),
            server: try server(values),
            jwtSecret: try values.text(.jwtSecret),
            encryption: EncryptionSettings(
                current: try values.encryptionKeys(.encryptionKey).first,
                old: try values.encryptionKeys(.oldEncryptionKeys)),
            identity: IdentitySettings(
                registration: IdentitySettings.Registration(rawValue: try values.requiredText(.registration))
                    ?? .invited,
                trustedProxies: try values.blocks(.trustedProxies)),
            logLevel: Logger.Level(rawValue: try values.requiredText(.logLevel)) ?? .info,
            logFormat: LogFormat(rawValue: try values.requiredText(.logFormat)) ?? .text,
            home: try values.requiredText(.home),
            ring: RingSettings(
                path: try values.requiredText(.ringPath), capacity: try values.requiredInteger(.ringCapacity),
                layout: try values.requiredText(.ringLayout)),
            languageModel: ModelSettings(
                baseURL: try values.baseURL(.languageModelURL), apiKey: try values.text(.languageModelAPIKey),
                model: try values.text(.languageModelName)),
            languageModelBudget: BudgetSettings(
                tokensPerDay: try values.integer(.languageModelTokens),
                secondsPerDay: try values.integer(.languageModelSeconds)),
            embedding: ModelSettings(
                baseURL: try values.baseURL(.embeddingURL), apiKey: try values.text(.embeddingAPIKey),
                model: try values.text(.embeddingModel)),
            telegramAPIBase: try values.baseURL(.telegramAPIBase) ?? "",
            outboundAllow: try values.blocks(.outboundAllow),
            deliveryLeaseSeconds: try values.requiredInteger(.deliveryLease),
            workerConcurrency: try values.requiredInteger(.workerConcurrency),
            gatewayMetricsPort: try values.requiredInteger(.gatewayMetricsPort),
            processorMetricsPort: try values.requiredInteger(.processorMetricsPort),
            workersMetricsPort: try values.requiredInteger(.workersMetricsPort),
            writerMetricsPort: try values.requiredInteger(.writerMetricsPort))
    }

    private static func database(_ values: ConfigurationValues) throws(ConfigurationError) -> DatabaseSettings {
        let maxConnections = try values.requiredInteger(.databaseMaxConnections)
        guard let url = try values.url(.databaseURL) else {
            return DatabaseSettings(
                host: try values.requiredText(.databaseHost), port: try values.requiredInteger(.databasePort),
                name: try values.requiredText(.databaseName), user: try values.requiredText(.databaseUser),
                password: try values.text(.databasePassword), maxConnections: maxConnections)
        }
        guard let user = url.user, !url.path.isEmpty, !url.path.contains("/"), url.query == nil else {
            throw ConfigurationError(
                key: ConfigurationKey.databaseURL.name,
                message: "must be postgres://user:password@host:port/database, without parameters")
        }
        return DatabaseSettings(
            host: url.host, port: url.port ?? 5432, name: url.path, user: user, password: url.password,
            maxConnections: maxConnections, isExternal: true)
    }

    private static func security(_ values: ConfigurationValues) throws(ConfigurationError) -> TransportSecurity? {
        switch (try values.text(.certificate), try values.text(.certificateKey)) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return TransportSecurity(certificate: certificate, key: key)
        case (nil, _?): throw ConfigurationError(key: "TLS_CERTIFICATE", message: "is required with TLS_KEY")
        case (_?, nil): throw ConfigurationError(key: "TLS_KEY", message: "is required with TLS_CERTIFICATE")
        }
    }

    private static func server(_ values: ConfigurationValues) throws(ConfigurationError) -> ServerSettings {
        ServerSettings(
            host: try values.requiredText(.serverHost), port: try values.requiredInteger(.serverPort),
            headSeconds: try values.requiredInteger(.serverHeadSeconds),
            bodySeconds: try values.requiredInteger(.serverBodySeconds),
            idleSeconds: try values.requiredInteger(.serverIdleSeconds),
            drainSeconds: try values.requiredInteger(.serverDrainSeconds), security: try security(values),
            corsOrigins: try values.origins(.corsOrigins),
            requiresIfMatch: try values.requiredText(.requireIfMatch) == "true",
            limits: RequestLimitSettings(
                ingest: try values.rate(.ingestLimit), read: try values.rate(.readLimit),
                write: try values.rate(.writeLimit), login: try values.rate(.loginLimit)))
    }

    private static func redis(_ values: ConfigurationValues) throws(ConfigurationError) -> RedisSettings {
        guard let url = try values.url(.redisURL) else {
            return RedisSettings(
                host: try values.requiredText(.redisHost), port: try values.requiredInteger(.redisPort),
                password: try values.text(.redisPassword))
        }
        guard url.path.isEmpty || url.path == "0", url.user == nil, url.query == nil else {
            throw ConfigurationError(
                key: ConfigurationKey.redisURL.name,
                message: "must be redis://:password@host:port, without a user, parameters, or a database other than 0")
        }
        return RedisSettings(host: url.host, port: url.port ?? 6379, password: url.password, isExternal: true)
    }
}
