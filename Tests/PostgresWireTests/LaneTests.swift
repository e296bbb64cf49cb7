import TestKit
import Testing

@testable import PostgresWire

@Suite("Lanes")
struct LaneTests {
    private static let waitForLock = PostgresStatement("wait", "SELECT pg_advisory_lock_shared(4711)::text")

    @Test("Connections that block stall neither other tasks nor each other")
    func blocking() async throws {
        // More than the cooperative pool has threads. They wait for a lock that this task holds, so that only a task
        // that runs while all of them block can end the test.
        try await withTestDatabase { configuration in
            try await withTestConnection(configuration) { holder async throws in
                try await holder.execute(script: "SELECT pg_advisory_lock(4711)")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<32 {
                        group.addTask {
                            try await withTestConnection(configuration) { connection async throws in
                                _ = try await connection.query(Self.waitForLock)
                            }
                        }
                    }
                    var blocked = 0
                    while blocked < 32 {
                        blocked = try await holder.value(
                            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
                        await Task.yield()
                    }
                    try await holder.execute(script: "SELECT pg_advisory_unlock(4711)")
                    try await group.waitForAll()
                }
            }
        }
    }
}
