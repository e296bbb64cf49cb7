import Logging
import Synchronization
import TestKit
import Testing

@testable import PostgresWire

@Suite("Configuration and log")
struct ConfigurationTests {
    @Test("A configuration shows itself without its password")
    func passwordIsHidden() {
        let configuration = PostgresConfiguration(
            host: "db", port: 5432, database: "collider", user: "app", password: "hunter2", applicationName: "tests")
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in ["\(configuration)", String(reflecting: configuration), dumped] {
            #expect(!text.contains("hunter2"))
        }
        #expect("\(configuration)" == "app@db:5432/collider")
    }

    @Test(
        "Lost connections, shutdowns, conflicts and a lack of resources may be retried",
        arguments: [
            ("57P01", true), ("57P02", true), ("57P03", true), ("40001", true), ("40P01", true), ("53300", true),
            ("53100", true), ("23505", false), ("42601", false), ("57014", false), ("25P02", false),
        ])
    func retriable(state: String, isRetriable: Bool) {
        #expect(PostgresError(.server, sqlState: state, "").isRetriable == isRetriable)
        #expect(PostgresError(.connection, "").isRetriable)
        #expect(PostgresError(.poolTimeout, "").isRetriable)
        #expect(!PostgresError(.decoding, "").isRetriable)
    }

    @Test("Notices of the server go to the log, at debug level")
    func notices() async throws {
        let handler = RecordingHandler()
        let logger = Logger(label: "test") { _ in handler }
        let connection = try await PostgresConnection.connect(
            try TestServers.postgres(database: "postgres"), logger: logger)
        try await connection.execute(script: "DO $$ BEGIN RAISE NOTICE 'look out'; END $$")
        let lines = handler.lines.withLock { $0 }
        #expect(lines.count == 1)
        #expect(lines.first?.level == .debug)
        #expect(lines.first?.message.contains("look out") == true)
    }
}

/// Keeps what is logged.
private final class RecordingHandler: LogHandler {
    struct Line {
        let level: Logger.Level
        let message: String
    }

    let lines = Mutex<[Line]>([])

    var logLevel: Logger.Level {
        get { .trace }
        set { _ = newValue }
    }

    var metadata: Logger.Metadata {
        get { [:] }
        set { _ = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set { _ = newValue }
    }

    func log(event: LogEvent) {
        let line = Line(level: event.level, message: "\(event.metadata?["postgres.message"] ?? "")")
        lines.withLock { $0.append(line) }
    }
}
