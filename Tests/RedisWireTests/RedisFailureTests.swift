import RedisWire
import Synchronization
import TestKit
import Testing

@Suite("The Redis client, against servers that misbehave")
struct RedisFailureTests {
    private func client(_ port: Int, password: String? = nil, database: Int = 0) -> RedisClient {
        RedisClient(
            configuration: RedisConfiguration(
                host: "127.0.0.1", port: port, password: password, database: database, timeout: .milliseconds(300)),
            logger: testLogger)
    }

    @Test("Nobody there: a retriable error that names the address, and no attempt for every call")
    func absentServersAreReported() async throws {
        try await withRefusingPort { port in
            let client = client(port)
            for _ in 0..<100 {
                let error = await #expect(throws: RedisError.self) { try await client.ping() }
                #expect(error?.kind == .connection)
                #expect(error?.isRetriable == true)
                #expect(error?.message.contains("127.0.0.1:\(port)") == true)
            }
        }
    }

    @Test("Callers that find no connection share one attempt")
    func attemptsAreShared() async throws {
        try await withLoopbackServer({ connection in
            while !connection.read().isEmpty, connection.write("+PONG\r\n") {}
        }) { server in
            let client = client(server.port)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<50 { group.addTask { try await client.ping() } }
                try await group.waitForAll()
            }
            #expect(server.connections == 1)
        }
    }

    @Test("A server that never answers costs the timeout, and its connection is not used again")
    func silentServersTimeOut() async throws {
        try await withLoopbackServer({ $0.waitForEnd() }) { server in
            let connection = try await RedisConnection.connect(
                RedisConfiguration(host: "127.0.0.1", port: server.port, timeout: .milliseconds(100)))
            let error = await #expect(throws: RedisError.self) { try await connection.command(["PING"]) }
            #expect(error?.kind == .connection)
            #expect(error?.message == "no answer in time")
            #expect(await connection.isUsable == false)
            await #expect(throws: RedisError.self) { try await connection.command(["PING"]) }
        }
    }

    @Test(
        "What is not Redis is a connection error", arguments: ["HTTP/1.1 400 Bad Request\r\n\r\n", "?\r\n", "$-5\r\nx"])
    func strangersAreRefused(_ answer: String) async throws {
        try await withLoopbackServer({ connection in
            _ = connection.read()
            connection.write(answer)
            connection.waitForEnd()
        }) { server in
            let client = client(server.port)
            let error = await #expect(throws: RedisError.self) { try await client.ping() }
            #expect(error?.kind == .connection)
        }
    }

    @Test("Sending to a server that went away does not end the process")
    func closedServersRaiseNoSignal() async throws {
        try await withLoopbackServer({ connection in
            connection.resetAtClose()
        }) { server in
            let client = client(server.port)
            for _ in 0..<20 {
                await #expect(throws: RedisError.self) {
                    try await client.command(["SET", "key", String(repeating: "x", count: 1_000_000)])
                }
            }
        }
    }

    @Test("The password goes first and the database second, and neither is in an error")
    func authenticationComesFirst() async throws {
        let seen = Mutex("")
        try await withLoopbackServer({ connection in
            while true {
                let bytes = connection.read()
                guard !bytes.isEmpty else { return }
                seen.withLock { $0 += String(decoding: bytes, as: UTF8.self) }
                connection.write("+OK\r\n")
            }
        }) { server in
            try await client(server.port, password: "geheim", database: 2).ping()
        }
        let expected =
            "*2\r\n$4\r\nAUTH\r\n$6\r\ngeheim\r\n" + "*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n" + "*1\r\n$4\r\nPING\r\n"
        #expect(seen.withLock { $0 } == expected)

        try await withLoopbackServer({ connection in
            _ = connection.read()
            connection.write("-WRONGPASS invalid username-password pair\r\n")
        }) { server in
            let error = await #expect(throws: RedisError.self) {
                try await client(server.port, password: "geheim").ping()
            }
            #expect(error?.kind == .server)
            #expect(error?.isRetriable == false)
            #expect("\(String(describing: error))".contains("geheim") == false)
        }
    }

    @Test("A server that is still loading is worth a repeat")
    func loadingIsRetriable() {
        #expect(RedisError(.server, "LOADING Redis is loading the dataset in memory").isRetriable)
        #expect(!RedisError(.server, "ERR unknown command").isRetriable)
        #expect(!RedisError(.unexpectedReply, "no digest").isRetriable)
    }
}
