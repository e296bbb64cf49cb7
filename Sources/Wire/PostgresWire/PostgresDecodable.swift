/// A type that is read from a column in PostgreSQL's binary format.
public protocol PostgresDecodable: Sendable {
    /// Whether values of a type of the server, named by its object id, can be read as this one.
    ///
    /// Values say nothing of their type: eight bytes may be an integer, a time, a fraction or a text.
    static func reads(_ typeID: UInt32) -> Bool
    /// Reads the bytes of a value that is not NULL; nil when they are not of this type.
    init?(postgres bytes: UnsafeRawBufferPointer)
}

/// JSON text of a `jsonb` or `json` column.
public struct PostgresJSON: PostgresDecodable, Equatable {
    /// UTF-8, as PostgreSQL prints it.
    public let bytes: [UInt8]

    /// Columns of JSON, or of text that holds some.
    public static func reads(_ typeID: UInt32) -> Bool {
        typeID == TypeID.jsonb || typeID == TypeID.json || typeID == TypeID.text
    }

    /// Copies the text.
    public init?(postgres bytes: UnsafeRawBufferPointer) {
        // jsonb starts with its version; json and text do not, and no JSON text starts with that byte.
        self.bytes = Array(bytes.first == 1 ? UnsafeRawBufferPointer(rebasing: bytes.dropFirst()) : bytes)
    }
}

/// The bytes of a `bytea` column.
public struct PostgresBytes: PostgresDecodable, Equatable {
    /// The value.
    public let bytes: [UInt8]

    /// Columns of `bytea`.
    public static func reads(_ typeID: UInt32) -> Bool { typeID == TypeID.bytea }

    /// Copies the bytes.
    public init?(postgres bytes: UnsafeRawBufferPointer) {
        self.bytes = Array(bytes)
    }
}
