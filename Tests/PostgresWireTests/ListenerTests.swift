import ServiceLifecycle
import TestKit
import Testing

@testable import PostgresWire

@Suite("Listener")
struct ListenerTests {
    /// Runs a listener in a fresh database beside the body, which gets a pool to notify with.
    private func withListener(
        _ channels: [String],
        _ body: @escaping @Sendable (inout PostgresNotifications.AsyncIterator, PostgresPool) async throws -> Void
    ) async throws {
        try await withTestDatabase { configuration in
            var heard = configuration
            heard.applicationName = "listener"
            let listener = PostgresListener(configuration: heard, channels: channels, logger: testLogger)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await listener.run() }
                var notifications = listener.notifications.makeAsyncIterator()
                // Each channel is reported when the listener has connected.
                for channel in channels { #expect(await notifications.next()?.channel == channel) }
                try await withTestPool(configuration, size: 2) { try await body(&notifications, $0) }
                group.cancelAll()
                #expect(await notifications.next() == nil)
            }
        }
    }

    private func notify(_ channels: [String], on pool: PostgresPool) async throws {
        try await pool.withTransaction { connection async throws in
            for channel in channels {
                try await connection.query(PostgresStatement("notify", "SELECT pg_notify($1, '')"), [.text(channel)])
            }
        }
    }

    @Test("A notification arrives, on its channel")
    func arrives() async throws {
        try await withListener(["one", "two"]) { notifications, pool async throws in
            try await self.notify(["two"], on: pool)
            #expect(await notifications.next()?.channel == "two")
            try await self.notify(["one", "unheard"], on: pool)
            #expect(await notifications.next()?.channel == "one")
        }
    }

    @Test("Notifications that nobody has taken yet are merged, and no channel pushes another out")
    func coalesce() async throws {
        try await withListener(["flood", "rare", "last"]) { notifications, pool async throws in
            try await self.notify(["rare"], on: pool)
            for _ in 0..<200 { try await self.notify(["flood"], on: pool) }
            try await self.notify(["last"], on: pool)
            var counts: [String: Int] = [:]
            while counts["last"] == nil {
                let notification = try #require(await notifications.next())
                counts[notification.channel, default: 0] += 1
            }
            #expect(counts["rare"] == 1)
            #expect(counts["last"] == 1)
            #expect((1...200).contains(counts["flood"] ?? 0))
        }
    }

    @Test("Of a hundred notifications between two looks, one is reported")
    func inbox() async {
        let inbox = NotificationInbox()
        for _ in 0..<100 { inbox.post(["a", "b"]) }
        inbox.finish()
        var channels: [String] = []
        for await notification in PostgresNotifications(inbox: inbox) { channels.append(notification.channel) }
        #expect(channels == ["a", "b"])
    }

    @Test("When its session was ended it reconnects, and reports every channel")
    func reconnects() async throws {
        try await withListener(["one", "two"]) { notifications, pool async throws in
            let backend: Int32 = try await pool.value(
                """
                SELECT pid FROM pg_stat_activity WHERE application_name = 'listener' AND datname = current_database()
                """)
            try await terminate(backend)
            #expect(await notifications.next()?.channel == "one")
            #expect(await notifications.next()?.channel == "two")
            try await self.notify(["two"], on: pool)
            #expect(await notifications.next()?.channel == "two")
        }
    }
}
