import ActionModel
import EventModel
import EventStore
import Foundation
import Glibc
import JobQueue
import RedisWire
import Runtime
import Testing

@Suite("Lists of ready deliveries", .timeLimit(.minutes(1)))
struct ReadyQueueTests {
    private func queue() throws -> ReadyQueue {
        ReadyQueue(
            RedisSettings(host: "127.0.0.1", port: try redisConfiguration().port),
            prefix: "test:\(UniqueID.generate()):", logger: quietLogger)
    }

    @Test("Ids are popped in the order in which they were pushed, in batches, from one list at a time")
    func order() async throws {
        let queue = try queue()
        let (rest, telegram) = (ReadyList(.rest), ReadyList(.telegram))
        let calls = (0..<5).map { _ in ReadyDelivery(id: .generate(), kind: .rest) }
        let messages = (0..<2).map { _ in ReadyDelivery(id: .generate(), kind: .telegram) }
        try await queue.push(calls + messages)
        #expect(try await queue.lengths() == [.rest: 5, .telegram: 2, .llm: 0, .mcp: 0, .slack: 0, .email: 0])
        let popped = try await queue.withPopper { popper in
            try await [
                popper.pop([rest, telegram]) { 3 }, popper.pop([telegram, rest]) { 3 },
                popper.pop([telegram, rest]) { 1 }, popper.pop([telegram, rest]) { 10 },
                popper.pop([rest]) { 10 },
            ]
        }
        #expect(popped[0] == calls.prefix(3).map(\.id))
        #expect(popped[1] == messages.map(\.id))
        #expect(popped[2...] == [[calls[3].id], [calls[4].id], []])
    }

    @Test("What has waited already is in a list of its own, and counted with the other")
    func later() async throws {
        let queue = try queue()
        let (new, retry) = (ReadyDelivery(id: .generate(), kind: .rest), ReadyDelivery(id: .generate(), kind: .rest))
        try await queue.push([retry], later: true)
        try await queue.push([new])
        #expect(try await queue.lengths()[.rest] == 2)
        let lists = [ReadyList(.rest), ReadyList(.rest, isLater: true)]
        let popped = try await queue.withPopper { popper in
            try await [popper.pop(lists) { 10 }, popper.pop(lists) { 10 }]
        }
        #expect(popped == [[new.id], [retry.id]])
    }

    @Test("A Redis that may drop keys is refused, and one that is away is not known to")
    func eviction() async throws {
        #expect(try await queue().requireNoEviction())
        let port = try redisConfiguration().port + 1_000
        let nowhere = ReadyQueue(RedisSettings(host: "127.0.0.1", port: 1), logger: quietLogger)
        #expect(try await nowhere.requireNoEviction() == false)

        let server = Process()
        server.executableURL = URL(filePath: "/usr/bin/env")
        server.arguments = [
            "redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--dir", NSTemporaryDirectory(),
            "--maxmemory-policy", "allkeys-lru",
        ]
        server.standardOutput = FileHandle.nullDevice
        try server.run()
        // Not SIGTERM: a child of one of Dispatch's threads inherits a mask that blocks it.
        defer { kill(server.processIdentifier, SIGKILL) }
        let careless = ReadyQueue(RedisSettings(host: "127.0.0.1", port: port), logger: quietLogger)
        while (try? await careless.lengths()) == nil { try await Task.sleep(for: .milliseconds(20)) }
        let error = await #expect(throws: JobQueueError.self) { try await careless.requireNoEviction() }
        #expect(error?.code == .evictionPolicy)
    }
}
