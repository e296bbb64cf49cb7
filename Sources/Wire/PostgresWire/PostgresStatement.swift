/// A statement with a name, prepared once on each connection that uses it.
public struct PostgresStatement: Sendable {
    /// Unique among all statements of the program; names the prepared statement on the server.
    public let name: String
    /// The text, with `$1`, `$2`… for values; never spliced together from input.
    public let sql: String

    /// Makes a statement.
    ///
    /// - Parameter name: at most 63 bytes; the server compares no more.
    public init(_ name: StaticString, _ sql: String) {
        precondition(name.utf8CodeUnitCount < 64, "the name of a prepared statement is too long")
        self.name = name.description
        self.sql = sql
    }
}

/// Something that runs statements: a connection, or a pool that borrows one for each.
public protocol PostgresSession: Sendable {
    /// Runs one statement and returns its rows.
    @discardableResult
    func query(
        _ statement: PostgresStatement, _ parameters: [PostgresParameter]
    ) async throws(PostgresError) -> PostgresRows
}

extension PostgresSession {
    /// Runs a statement that has no parameters.
    @discardableResult
    public func query(_ statement: PostgresStatement) async throws(PostgresError) -> PostgresRows {
        try await query(statement, [])
    }
}
