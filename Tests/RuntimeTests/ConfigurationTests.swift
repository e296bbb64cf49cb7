import Logging
import Runtime
import Testing

@Suite("Configuration")
struct ConfigurationTests {
    @Test func `an empty environment gives the documented defaults`() throws {
        let configuration = try ColliderConfiguration.load(environment: [:])
        let limits = RequestLimitSettings(login: RateSettings(count: 30, seconds: 60))
        #expect(configuration.server == ServerSettings(host: "127.0.0.1", port: 8080, drainSeconds: 1, limits: limits))
        #expect(configuration.database.description == "postgres://collider@127.0.0.1:5432/collider")
        #expect(configuration.database.password == nil)
        #expect(configuration.redis == RedisSettings(host: "127.0.0.1", port: 6379))
        #expect(configuration.ring == RingSettings(path: "/dev/shm/collider", capacity: 100_000))
        #expect(configuration.logLevel == .info && configuration.logFormat == .text)
        #expect(configuration.telegramAPIBase == "https://api.telegram.org")
        #expect(configuration.outboundAllow.isEmpty && configuration.jwtSecret == nil)
        #expect(configuration.embedding == ModelSettings())
        #expect(configuration.identity == IdentitySettings(registration: .open, trustedProxies: []))
    }

    @Test func `a variable set to nothing counts as unset`() throws {
        let configuration = try ColliderConfiguration.load(environment: ["SERVER_PORT": "", "DATABASE_URL": " "])
        #expect(configuration.server.port == 8080)
        #expect(!configuration.database.isExternal)
    }

    @Test func `how long clients may take can be set, within bounds`() throws {
        let server = try ColliderConfiguration.load(environment: [
            "SERVER_HEAD_SECONDS": "3", "SERVER_BODY_SECONDS": "4", "SERVER_IDLE_SECONDS": "5",
        ]).server
        #expect((server.headSeconds, server.bodySeconds, server.idleSeconds) == (3, 4, 5))
        #expect(throws: ConfigurationError.self) {
            try ColliderConfiguration.load(environment: ["SERVER_IDLE_SECONDS": "0"])
        }
    }

    @Test func `DATABASE_URL replaces every DB key and is percent-decoded`() throws {
        let configuration = try ColliderConfiguration.load(environment: [
            "DATABASE_URL": "postgresql://an%40na:p%3Aw%2F%C3%A9@[::1]:6000/my%20db", "DB_HOST": "elsewhere",
        ])
        #expect(
            configuration.database
                == DatabaseSettings(
                    host: "::1", port: 6000, name: "my db", user: "an@na", password: "p:w/é", isExternal: true))
    }

    @Test func `REDIS_URL takes a password without a user`() throws {
        let configuration = try ColliderConfiguration.load(environment: ["REDIS_URL": "redis://:s3cret@cache:7000/0"])
        #expect(
            configuration.redis == RedisSettings(host: "cache", port: 7000, password: "s3cret", isExternal: true))
    }

    @Test func `lists and base URLs are trimmed`() throws {
        let configuration = try ColliderConfiguration.load(environment: [
            "OUTBOUND_ALLOW": "10.0.0.0/8, fd00::/8,127.0.0.1", "TELEGRAM_API_BASE": "http://127.0.0.1:9/bot/",
        ])
        #expect(configuration.outboundAllow == ["10.0.0.0/8", "fd00::/8", "127.0.0.1"])
        #expect(configuration.telegramAPIBase == "http://127.0.0.1:9/bot")
    }

    @Test func `origins are listed, and rates are so many in a time`() throws {
        let server = try ColliderConfiguration.load(environment: [
            "CORS_ORIGINS": "https://app.example.com, http://localhost:3000", "REQUIRE_IF_MATCH": "true",
            "RATE_LIMIT_INGEST": "60000/1m", "RATE_LIMIT_READ": "5/30s", "RATE_LIMIT_LOGIN": "off",
        ]).server
        #expect(server.corsOrigins == ["https://app.example.com", "http://localhost:3000"] && server.requiresIfMatch)
        #expect(server.limits.ingest == RateSettings(count: 60_000, seconds: 60))
        #expect(server.limits.read == RateSettings(count: 5, seconds: 30))
        #expect(server.limits.write == nil && server.limits.login == nil)
    }

    @Test(arguments: [
        ("CORS_ORIGINS", "https://app.example.com/"), ("CORS_ORIGINS", "app.example.com"),
        ("CORS_ORIGINS", "https://a.example/x"), ("REQUIRE_IF_MATCH", "yes"), ("RATE_LIMIT_READ", "5"),
        ("RATE_LIMIT_READ", "0/1m"), ("RATE_LIMIT_WRITE", "5/2d"), ("RATE_LIMIT_LOGIN", "5/1w"),
        ("SERVER_PORT", "80 80"), ("SERVER_PORT", "70000"), ("SERVER_PORT", "0"), ("DB_MAX_CONNECTIONS", "many"),
        ("LOG_LEVEL", "loud"), ("LOG_FORMAT", "xml"), ("RING_CAPACITY", "1"), ("RING_LAYOUT", "tiny"),
        ("OUTBOUND_ALLOW", "10.0.0.0/33"), ("REGISTRATION", "closed"), ("TRUSTED_PROXIES", "proxy"),
        ("OUTBOUND_ALLOW", "localhost"), ("TELEGRAM_API_BASE", "ftp://x"), ("LLM_BASE_URL", "not a url"),
    ])
    func `a bad value names its key and repeats the value`(key: String, value: String) {
        #expect {
            try ColliderConfiguration.load(environment: [key: value])
        } throws: { error in
            let text = "\(error)"
            return text.hasPrefix("\(key): ") && text.contains("\"\(value)\"")
        }
    }

    @Test(arguments: [
        ("JWT_SECRET", "hunter2"), ("COLLIDER_ENCRYPTION_KEY", "hunter2"),
        ("COLLIDER_ENCRYPTION_KEY", String(repeating: "0", count: 64)),
        ("COLLIDER_ENCRYPTION_KEY", "hunter2" + String(repeating: "x", count: 57)),
        ("COLLIDER_ENCRYPTION_KEYS_OLD", "hunter2,hunter2"),
        ("DATABASE_URL", "mysql://root:hunter2@host/db"),
        ("DATABASE_URL", "postgres://u:hunter2@host"), ("DATABASE_URL", "postgres://u:hunter2@host:0/db"),
        ("DATABASE_URL", "postgres://u:hunter2@host/db?sslmode=off"),
        ("DATABASE_URL", "postgres://u:%zzhunter2@host/db"),
        ("REDIS_URL", "redis://:hunter2@host/3"), ("REDIS_URL", "redis://:hunter2@"),
    ])
    func `a bad secret names its key and never the value`(key: String, value: String) {
        #expect {
            try ColliderConfiguration.load(environment: [key: value])
        } throws: { error in
            let text = "\(error)"
            return text.hasPrefix("\(key): ") && !text.contains("hunter2")
        }
    }

    @Test func `descriptions of settings keep their secrets`() throws {
        let configuration = try ColliderConfiguration.load(environment: [
            "DB_PASSWORD": "hunter2", "REDIS_PASSWORD": "hunter2", "LLM_API_KEY": "hunter2",
            "COLLIDER_ENCRYPTION_KEY": Self.key,
        ])
        let texts = [
            "\(configuration.database)", "\(configuration.redis)", "\(configuration.languageModel)",
            "\(configuration.encryption)",
        ]
        #expect(!texts.contains { $0.contains("hunter2") || $0.contains("31") })
    }

    private static let key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

    @Test func `encryption keys are hexadecimal or Base64, and old ones may be several`() throws {
        let base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
        let bytes = (0..<32).map { UInt8($0) }
        for text in [Self.key, Self.key.uppercased(), base64] {
            let configuration = try ColliderConfiguration.load(environment: [
                "COLLIDER_ENCRYPTION_KEY": text, "COLLIDER_ENCRYPTION_KEYS_OLD": "\(base64), \(Self.key)",
            ])
            #expect(configuration.encryption == EncryptionSettings(current: bytes, old: [bytes, bytes]))
        }
        #expect(try ColliderConfiguration.load(environment: [:]).encryption == EncryptionSettings())
    }
}
