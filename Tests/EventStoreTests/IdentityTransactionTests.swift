import EventModel
import PostgresWire
import Runtime
import TestKit
import Testing

@testable import EventStore

@Suite("Transactions of identity")
struct IdentityTransactionTests {
    private static let settings = PostgresStatement(
        "test_settings", "SELECT current_user::text, current_setting('idle_in_transaction_session_timeout')")

    @Test("They take on their role and have time, and leave neither behind, nor what an organization saw")
    func settings() async throws {
        try await withMigratedDatabase { configuration in
            var database = configuration
            database.role = "collider_gateway"
            // One connection, so that everybody has the same.
            let pool = PostgresPool(configuration: database, size: 1, logger: testLogger)
            let people = try PeopleStore(pool: pool, secret: String(repeating: "s", count: 32))
            func shown(_ connection: PostgresConnection) async throws -> [String] {
                let row = try await connection.query(Self.settings)[0]
                return [try row.decode(0), try row.decode(1)]
            }
            #expect(try await people.withIdentity(shown) == ["collider_identity", "10s"])
            #expect(try await pool.withConnection(shown) == ["collider_gateway", "1s"])
            struct Failure: Error {}
            await #expect(throws: Failure.self) { try await people.withIdentity { _ in throw Failure() } }
            #expect(try await pool.withTransaction(shown) == ["collider_gateway", "1s"])

            let mine = UniqueID.generate()
            let organization = PostgresStatement("test_organization", "SELECT current_organization()")
            func current(_ connection: PostgresConnection) async throws -> UniqueID? {
                try await connection.query(organization)[0].decodeIfPresent(0)
            }
            #expect(
                try await pool.withTransaction(organization: mine, current) == mine)
            #expect(try await pool.withTransaction(current) == nil)
            #expect(try await people.withIdentity(current) == nil)
        }
    }
}
