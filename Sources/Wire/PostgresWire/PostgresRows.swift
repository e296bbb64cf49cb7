import CPostgres

/// The rows of one answer, in the order in which the server sent them; decoded when asked for.
public struct PostgresRows: RandomAccessCollection, Sendable {
    let result: PostgresResult

    /// Rows that the statement inserted, changed, deleted or, as a query, returned.
    public var affectedRows: Int { result.affectedRows }
    /// Zero.
    public var startIndex: Int { 0 }
    /// The number of rows.
    public var endIndex: Int { result.rowCount }

    /// The row at that place.
    public subscript(index: Int) -> PostgresRow {
        precondition(indices.contains(index), "row out of range")
        return PostgresRow(result: result, row: index)
    }
}

/// One row; columns are counted from 0.
public struct PostgresRow: Sendable {
    let result: PostgresResult
    let row: Int

    /// Reads a column that is not NULL.
    public func decode<T: PostgresDecodable>(_ column: Int, as type: T.Type = T.self) throws(PostgresError) -> T {
        guard let value = try decodeIfPresent(column, as: type) else {
            throw PostgresError(.decoding, "column \(column) is NULL")
        }
        return value
    }

    /// Reads a column, nil for NULL.
    public func decodeIfPresent<T: PostgresDecodable>(
        _ column: Int, as type: T.Type = T.self
    ) throws(PostgresError) -> T? {
        guard let bytes = result.bytes(row: row, column: column) else { return nil }
        let typeID = result.typeID(of: column)
        guard T.reads(typeID), let value = T(postgres: bytes) else {
            throw PostgresError(.decoding, "column \(column), of type \(typeID), holds no \(T.self)")
        }
        return value
    }
}

/// Owner of a `PGresult`: cleared when the last row that points into it is gone.
// A PGresult is never changed after libpq has returned it, so that any thread may read it.
final class PostgresResult: @unchecked Sendable {
    private let pointer: OpaquePointer
    let rowCount: Int
    private let columnCount: Int

    /// Takes ownership.
    init(owning pointer: OpaquePointer) {
        self.pointer = pointer
        rowCount = Int(PQntuples(pointer))
        columnCount = Int(PQnfields(pointer))
    }

    deinit {
        PQclear(pointer)
    }

    var affectedRows: Int { Int(String(cString: PQcmdTuples(pointer))) ?? 0 }

    /// Valid as long as this object.
    func bytes(row: Int, column: Int) -> UnsafeRawBufferPointer? {
        precondition(column >= 0 && column < columnCount, "column out of range")
        guard PQgetisnull(pointer, Int32(row), Int32(column)) == 0 else { return nil }
        return UnsafeRawBufferPointer(
            start: PQgetvalue(pointer, Int32(row), Int32(column)),
            count: Int(PQgetlength(pointer, Int32(row), Int32(column))))
    }

    func typeID(of column: Int) -> UInt32 { PQftype(pointer, Int32(column)) }

    var status: ExecStatusType { PQresultStatus(pointer) }
    /// The command's tag, such as `COMMIT`.
    var command: String { String(cString: PQcmdStatus(pointer)) }

    /// A field of an error, by its letter in the protocol.
    func field(_ code: Int32) -> String? {
        PQresultErrorField(pointer, code).map { String(cString: $0) }
    }
}
