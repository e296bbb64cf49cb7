import PostgresWire
import TestKit

/// Lends one connection to the server's own database, for tests that make nothing.
func withConnection<R>(_ body: (PostgresConnection) async throws -> R) async throws -> R {
    try await withTestConnection(try TestServers.postgres(database: "postgres"), body)
}

extension PostgresSession {
    /// The first column of the first row.
    func value<T: PostgresDecodable>(
        _ sql: String, _ parameters: PostgresParameter..., as type: T.Type = T.self
    ) async throws -> T {
        try await query(PostgresStatement("value", sql), parameters)[0].decode(0)
    }

    /// The number of the server's process behind the session.
    @discardableResult
    func backend() async throws -> Int32 {
        try await value("SELECT pg_backend_pid()")
    }
}

/// Ends the server's side of a session, and waits until it is gone.
func terminate(_ backend: Int32) async throws {
    try await withConnection { connection async throws in
        let isGone: Bool = try await connection.value("SELECT pg_terminate_backend($1, 10000)", .int4(backend))
        guard isGone else { throw PostgresError(.server, "backend \(backend) lives on") }
    }
}
