import EventModel
import EventStore
import JSONTree
import Logging
import PostgresWire
import Runtime
import ServiceLifecycle
import TestKit
import Testing

@testable import GatewayProcess

/// Lends a gateway on a free port, with a database of its own and a key of the given scopes.
func withGateway(
    scopes: Set<Scope> = [.admin], tuning: GatewayTuning = GatewayTuning(),
    server change: (@Sendable (inout ServerSettings) -> Void)? = nil,
    _ body: @Sendable (HTTPExchange) async throws -> Void
) async throws {
    try await withMigratedDatabase { database in
        var configuration = try testConfiguration(database)
        change?(&configuration.server)
        let key = try await makeKey(configuration, scopes: scopes)
        try await withGateway(configuration, tuning: tuning) { port in
            try await body(HTTPExchange(port: port, key: key))
        }
    }
}

/// Lends a gateway, and its database for what no route can bring about.
func withGatewayAndDatabase(
    _ body: @Sendable (HTTPExchange, PostgresConfiguration) async throws -> Void
) async throws {
    try await withMigratedDatabase { database in
        let configuration = try testConfiguration(database)
        let key = try await makeKey(configuration, scopes: [.admin])
        try await withGateway(configuration) { port in
            try await body(HTTPExchange(port: port, key: key), database)
        }
    }
}

/// Lends a gateway and the keys of two organizations.
func withTwoOrganizations(_ body: @Sendable (HTTPExchange, HTTPExchange) async throws -> Void) async throws {
    try await withMigratedDatabase { database in
        let configuration = try testConfiguration(database)
        let one = try await makeKey(configuration, organization: "one", scopes: [.admin])
        let other = try await makeKey(configuration, organization: "other", scopes: [.admin])
        try await withGateway(configuration) { port in
            try await body(HTTPExchange(port: port, key: one), HTTPExchange(port: port, key: other))
        }
    }
}

/// Lends two gateways on one database, and a key that both take.
func withTwoGateways(_ body: @Sendable ([HTTPExchange]) async throws -> Void) async throws {
    try await withMigratedDatabase { database in
        let configuration = try testConfiguration(database)
        let key = try await makeKey(configuration, scopes: [.admin])
        try await withGateway(configuration) { first in
            try await withGateway(configuration) { second in
                try await body([HTTPExchange(port: first, key: key), HTTPExchange(port: second, key: key)])
            }
        }
    }
}

/// Lends a gateway whose PostgreSQL and Redis are not there.
func withStrandedGateway(_ body: @Sendable (HTTPExchange) async throws -> Void) async throws {
    // Port 1 of the loopback address refuses at once.
    var configuration = try ColliderConfiguration.load(environment: [
        "DB_PORT": "1", "REDIS_PORT": "1", "JWT_SECRET": String(repeating: "s", count: 32),
        "COLLIDER_ENCRYPTION_KEY": testEncryptionKey,
    ])
    configuration.server.port = 0
    configuration.server.drainSeconds = 0
    let key = "ck_0123456789abcdef_" + String(repeating: "0", count: 64)
    try await withGateway(configuration) { port in try await body(HTTPExchange(port: port, key: key)) }
}

/// Runs the services of a gateway as its executable does, without signals, until the body ends.
func withGateway(
    _ configuration: ColliderConfiguration, tuning: GatewayTuning = GatewayTuning(),
    _ body: @Sendable (Int) async throws -> Void
) async throws {
    let context = ProcessContext(name: "api-gateway", configuration: configuration, logger: testLogger)
    let (ports, continuation) = AsyncStream<Int>.makeStream()
    let services = try await GatewayProcess.build(context, tuning: tuning) { continuation.yield($0) }
    let group = ServiceGroup(services: services, logger: testLogger)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask {
            defer { continuation.finish() }
            try await group.run()
        }
        var iterator = ports.makeAsyncIterator()
        if let port = await iterator.next() { try await body(port) }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
    }
}

func testConfiguration(_ database: PostgresConfiguration) throws -> ColliderConfiguration {
    var configuration = try ColliderConfiguration.load(environment: [
        "DB_HOST": database.host, "DB_PORT": "\(database.port)", "DB_NAME": database.database, "DB_USER": database.user,
        "DB_MAX_CONNECTIONS": "4", "REDIS_PORT": "\(try TestServers.redisPort)",
        "JWT_SECRET": String(repeating: "s", count: 32), "COLLIDER_ENCRYPTION_KEY": testEncryptionKey,
    ])
    configuration.server.port = 0
    configuration.server.drainSeconds = 0
    return configuration
}

/// 32 different bytes in hexadecimal.
let testEncryptionKey = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

func makeKey(
    _ configuration: ColliderConfiguration, organization: String = "acme", scopes: Set<Scope>
) async throws -> String {
    let pool = EventStorePool.make(configuration.database, role: .admin, name: "tests", logger: testLogger)
    let keys = try KeyStore(pool: pool, secret: configuration.jwtSecret)
    let key = try await keys.create(organization: organization, name: "tests", scopes: scopes)
    return key.plaintext
}

/// Checks that an answer is the problem of that status and kind.
func expectProblem(
    _ answer: HTTPExchange.Answer, _ status: Int, _ kind: String, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    #expect(answer.status == status, "\(answer.text)", sourceLocation: sourceLocation)
    #expect(answer.headers["content-type"] == "application/problem+json", sourceLocation: sourceLocation)
    let problem = try answer.json
    #expect(problem["type"]?.string == "urn:collider:problem:\(kind)", sourceLocation: sourceLocation)
    #expect(problem["status"]?.int64 == Int64(status), sourceLocation: sourceLocation)
    #expect(problem["title"]?.string?.isEmpty == false, sourceLocation: sourceLocation)
    #expect(problem["detail"]?.string?.isEmpty == false, sourceLocation: sourceLocation)
    #expect(problem["request_id"]?.string == answer.headers["x-request-id"], sourceLocation: sourceLocation)
}
