import EventStore
import GatewayProcess
import JSONTree
import Logging
import Runtime
import ServiceLifecycle
import TestKit
import Testing

@Suite("When things are not there")
struct FailureTests {
    @Test func `without its database the gateway is alive, not ready, and answers 503 with Retry-After`() async throws {
        try await withStrandedGateway { api in
            #expect(try await api.send("GET", "/livez").status == 200)
            let ready = try await api.send("GET", "/readyz")
            #expect(ready.status == 503)
            #expect(try ready.json["checks"]?[0]?["state"]?.string == "failing")
            let health = try await api.send("GET", "/api/v1/health")
            #expect(health.status == 503)
            #expect(try health.json["status"]?.string == "unhealthy")
            #expect(try health.json["database"]?.string == "disconnected")
            let post = try await api.send("POST", "/api/v1/events", #"{"type":"A","data":{}}"#)
            try expectProblem(post, 503, "unavailable")
            #expect(post.headers["retry-after"] != nil)
            #expect(!post.text.contains("127.0.0.1"))
        }
    }

    @Test func `a port in use is one line that names the key`() async throws {
        try await withStrandedGateway { api in
            let error = await #expect(throws: ListenError.self) {
                var configuration = try ColliderConfiguration.load(environment: [
                    "JWT_SECRET": String(repeating: "s", count: 32),
                    "COLLIDER_ENCRYPTION_KEY": testEncryptionKey,
                ])
                configuration.server.port = api.port
                try await withGateway(configuration) { _ in Issue.record("two servers on one port") }
            }
            #expect(error?.description == "port \(api.port) on 127.0.0.1 is in use; set SERVER_PORT")
        }
    }

    @Test(arguments: ["JWT_SECRET", "COLLIDER_ENCRYPTION_KEY"])
    func `a gateway without a secret that it needs does not start`(key: String) async throws {
        var environment = [
            "JWT_SECRET": String(repeating: "s", count: 32), "COLLIDER_ENCRYPTION_KEY": testEncryptionKey,
        ]
        environment[key] = nil
        let configuration = try ColliderConfiguration.load(environment: environment)
        let context = ProcessContext(name: "api-gateway", configuration: configuration, logger: testLogger)
        let error = await #expect(throws: ConfigurationError.self) { try await GatewayProcess.build(context) }
        #expect(error?.key == key)
    }
}
