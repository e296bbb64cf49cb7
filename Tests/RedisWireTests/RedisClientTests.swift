import RedisWire
import TestKit
import Testing

@Suite("The Redis client, against a server")
struct RedisClientTests {
    private func makeClient() throws -> RedisClient {
        let configuration = RedisConfiguration(host: "127.0.0.1", port: try TestServers.redisPort)
        return RedisClient(configuration: configuration, logger: testLogger)
    }

    /// A prefix of keys that no other test uses.
    private let prefix = "test:\(UInt64.random(in: .min ... .max)):"

    @Test("Values come back as they were sent, with NULs, line breaks and no bytes at all")
    func valuesRoundTrip() async throws {
        let client = try makeClient()
        for value in ["plain", "", "a\0b", "line\r\nbreak $5\r\n", "ö 🚀", String(repeating: "x", count: 1_000_000)] {
            #expect(try await client.command(["SET", prefix + "value", value]) == .status("OK"))
            #expect(try await client.command(["GET", prefix + "value"]).text == value)
        }
        #expect(try await client.command(["GET", prefix + "absent"]) == .null)
    }

    @Test("Every kind of answer is told apart")
    func answersHaveKinds() async throws {
        let client = try makeClient()
        #expect(try await client.command(["INCRBY", prefix + "count", "-7"]) == .integer(-7))
        #expect(try await client.command(["PING"]) == .status("PONG"))
        #expect(try await client.command(["LRANGE", prefix + "none", "0", "-1"]) == .array([]))
        let nested = try await client.command(["EVAL", "return {1, {'a', false}}", "0"])
        #expect(nested == .array([.integer(1), .array([.bytes(Array("a".utf8)), .null])]))
    }

    @Test("A pipeline answers in order, and one refused command leaves the others alone")
    func pipelinesAnswerInOrder() async throws {
        let client = try makeClient()
        let replies = try await client.pipeline([
            ["SET", prefix + "text", "words"], ["INCR", prefix + "text"], ["GET", prefix + "text"],
        ])
        #expect(replies[0] == .status("OK"))
        guard case .error(let message) = replies[1] else { return #expect(Bool(false), "INCR of a text was accepted") }
        #expect(message.hasPrefix("ERR"))
        #expect(replies[2].text == "words")
        #expect(try await client.pipeline([]).isEmpty)
    }

    @Test("A pipeline may be larger than the sockets' buffers")
    func pipelinesMayBeLarge() async throws {
        let client = try makeClient()
        let value = String(repeating: "v", count: 10_000)
        let replies = try await client.pipeline((0..<2_000).map { _ in ["ECHO", value] })
        #expect(replies.count == 2_000)
        #expect(replies.allSatisfy { $0.text == value })
    }

    @Test("A refused command is a server error, which is not worth a repeat")
    func refusalsAreServerErrors() async throws {
        let client = try makeClient()
        let error = await #expect(throws: RedisError.self) { try await client.command(["NOSUCHCOMMAND"]) }
        #expect(error?.kind == .server)
        #expect(error?.isRetriable == false)
        try await client.ping()
    }

    @Test("Calls from many tasks at once each get their own answer")
    func concurrentCallsKeepTheirAnswers() async throws {
        let client = try makeClient()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<200 {
                group.addTask { try await client.command(["ECHO", "\(number)"]).text == "\(number)" }
            }
            for try await isOwn in group { #expect(isOwn) }
        }
    }

    @Test("A script runs by its digest, and again after the server has forgotten it")
    func scriptsSurviveAFlush() async throws {
        let client = try makeClient()
        let script = RedisScript("redis.call('RPUSH', KEYS[1], ARGV[1]); return redis.call('LLEN', KEYS[1])")
        let key = prefix + "list"
        #expect(try await client.script(script, keys: [key], arguments: ["a"]) == .integer(1))
        #expect(try await client.script(script, keys: [key], arguments: ["b"]) == .integer(2))
        _ = try await client.command(["SCRIPT", "FLUSH"])
        #expect(try await client.script(script, keys: [key], arguments: ["c"]) == .integer(3))
    }

    @Test("A script that fails is a server error, and so is one that does not compile")
    func failingScriptsAreServerErrors() async throws {
        let client = try makeClient()
        for source in ["return redis.error_reply('MINE went wrong')", "this is not Lua"] {
            let error = await #expect(throws: RedisError.self) {
                try await client.script(RedisScript(source), keys: [], arguments: [])
            }
            #expect(error?.kind == .server)
        }
    }

    @Test("A blocking pop waits on its own connection, longer than an answer may take, and holds nobody up")
    func blockingPopsWait() async throws {
        let port = try TestServers.redisPort
        let configuration = RedisConfiguration(host: "127.0.0.1", port: port, timeout: .milliseconds(200))
        let client = RedisClient(configuration: configuration, logger: testLogger)
        let key = prefix + "queue"
        try await client.withBlockingConnection(blockingFor: .seconds(5)) { connection in
            #expect(try await connection.command(["BLPOP", key, "0.5"]) == .null)
            async let popped = connection.command(["BLPOP", key, "5"])
            _ = try await client.command(["RPUSH", key, "job"])
            #expect(try await popped == .array([.bytes(Array(key.utf8)), .bytes(Array("job".utf8))]))
        }
    }

    @Test("After a lost connection the call that found it fails, and the next one connects again")
    func lostConnectionsAreReplaced() async throws {
        let client = try makeClient()
        let id = try #require(try await client.command(["CLIENT", "ID"]).integer)
        let other = try makeClient()
        #expect(try await other.command(["CLIENT", "KILL", "ID", "\(id)"]) == .integer(1))
        let error = await #expect(throws: RedisError.self) { try await client.ping() }
        #expect(error?.kind == .connection)
        #expect(error?.isRetriable == true)
        try await client.ping()
    }

    @Test("Each client works in its database")
    func databasesAreSelected() async throws {
        let port = try TestServers.redisPort
        let third = RedisClient(
            configuration: RedisConfiguration(host: "127.0.0.1", port: port, database: 3), logger: testLogger)
        _ = try await third.command(["SET", prefix + "here", "yes"])
        #expect(try await makeClient().command(["EXISTS", prefix + "here"]) == .integer(0))
        #expect(try await third.command(["EXISTS", prefix + "here"]) == .integer(1))
    }
}
