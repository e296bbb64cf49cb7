/// Which statements the server knows on one connection, and with which types of parameters. Pure.
///
/// The types of a prepared statement are those of its first use; a NULL has none, and leaves the choice to the server.
/// So a statement whose first use had a NULL where a later one has a value is prepared again, with the types of both:
/// otherwise the value's bytes could be read as another type's.
struct PreparedStatements {
    enum Plan: Equatable {
        /// The server knows it.
        case run
        /// To be prepared with these types first; `replacing` one that must be deallocated before.
        case prepare(types: [UInt32], replacing: Bool)
    }

    private struct Entry {
        var sql: String
        var types: [UInt32]
    }

    private var entries: [String: Entry] = [:]

    func plan(_ statement: PostgresStatement, _ types: [UInt32]) -> Plan {
        guard let known = entries[statement.name] else { return .prepare(types: types, replacing: false) }
        guard known.sql == statement.sql, known.types.count == types.count else {
            return .prepare(types: types, replacing: true)
        }
        let isFitting = zip(known.types, types).allSatisfy { $1 == 0 || $0 == $1 }
        guard !isFitting else { return .run }
        return .prepare(types: zip(known.types, types).map { $1 == 0 ? $0 : $1 }, replacing: true)
    }

    mutating func note(_ statement: PostgresStatement, _ types: [UInt32]) {
        entries[statement.name] = Entry(sql: statement.sql, types: types)
    }

    mutating func forget(_ statement: PostgresStatement) {
        entries[statement.name] = nil
    }
}
