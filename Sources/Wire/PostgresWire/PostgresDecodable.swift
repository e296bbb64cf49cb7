public import EventModel

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

    public static func reads(_ typeID: UInt32) -> Bool {
        [TypeID.jsonb, TypeID.json, TypeID.text].contains(typeID)
    }

    public init?(postgres bytes: UnsafeRawBufferPointer) {
        // jsonb starts with its version; json and text do not, and no JSON text starts with that byte.
        self.bytes = Array(bytes.first == 1 ? UnsafeRawBufferPointer(rebasing: bytes.dropFirst()) : bytes)
    }
}

/// The bytes of a `bytea` column.
public struct PostgresBytes: PostgresDecodable, Equatable {
    /// The value.
    public let bytes: [UInt8]

    public static func reads(_ typeID: UInt32) -> Bool { typeID == TypeID.bytea }

    public init?(postgres bytes: UnsafeRawBufferPointer) {
        self.bytes = Array(bytes)
    }
}

extension Bool: PostgresDecodable {
    public static func reads(_ typeID: UInt32) -> Bool { typeID == TypeID.bool }

    public init?(postgres bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 1 else { return nil }
        self = bytes[0] != 0
    }
}

extension FixedWidthInteger {
    fileprivate static func isInteger(_ typeID: UInt32) -> Bool {
        typeID == TypeID.int8 || typeID == TypeID.int4 || typeID == TypeID.int2
    }

    /// Reads a big-endian integer of two, four or eight bytes that fits this type.
    fileprivate init?(bigEndian bytes: UnsafeRawBufferPointer) {
        switch bytes.count {
        case 2: self.init(exactly: Int16(bigEndian: bytes.loadUnaligned(as: Int16.self)))
        case 4: self.init(exactly: Int32(bigEndian: bytes.loadUnaligned(as: Int32.self)))
        case 8: self.init(exactly: Int64(bigEndian: bytes.loadUnaligned(as: Int64.self)))
        default: return nil
        }
    }
}

extension Int16: PostgresDecodable {
    public static func reads(_ typeID: UInt32) -> Bool { isInteger(typeID) }
    public init?(postgres bytes: UnsafeRawBufferPointer) { self.init(bigEndian: bytes) }
}

extension Int32: PostgresDecodable {
    public static func reads(_ typeID: UInt32) -> Bool { isInteger(typeID) }
    public init?(postgres bytes: UnsafeRawBufferPointer) { self.init(bigEndian: bytes) }
}

extension Int64: PostgresDecodable {
    public static func reads(_ typeID: UInt32) -> Bool { isInteger(typeID) }
    public init?(postgres bytes: UnsafeRawBufferPointer) { self.init(bigEndian: bytes) }
}

extension Int: PostgresDecodable {
    public static func reads(_ typeID: UInt32) -> Bool { isInteger(typeID) }
    public init?(postgres bytes: UnsafeRawBufferPointer) { self.init(bigEndian: bytes) }
}

extension Double: PostgresDecodable {
    public static func reads(_ typeID: UInt32) -> Bool { typeID == TypeID.float8 || typeID == TypeID.float4 }

    public init?(postgres bytes: UnsafeRawBufferPointer) {
        switch bytes.count {
        case 4: self = Double(Float(bitPattern: UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))))
        case 8: self = Double(bitPattern: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)))
        default: return nil
        }
    }
}

extension String: PostgresDecodable {
    public static func reads(_ typeID: UInt32) -> Bool {
        // Names, enums and the like are sent as their text.
        typeID == TypeID.text || typeID >= TypeID.firstOfUsers
            || [TypeID.varchar, TypeID.name, TypeID.bpchar, TypeID.character, TypeID.json, TypeID.unknown].contains(typeID)
    }

    public init?(postgres bytes: UnsafeRawBufferPointer) {
        self.init(validating: bytes, as: UTF8.self)
    }
}

extension UniqueID: PostgresDecodable {
    public static func reads(_ typeID: UInt32) -> Bool { typeID == TypeID.uuid }

    public init?(postgres bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 16 else { return nil }
        self.init(
            high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
            low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }
}

extension Timestamp: PostgresDecodable {
    public static func reads(_ typeID: UInt32) -> Bool { typeID == TypeID.timestamptz }

    public init?(postgres bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 8 else { return nil }
        let value = Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
        // `infinity` and `-infinity` are the extremes; they are no points in time.
        let (microseconds, isOverflow) = value.addingReportingOverflow(postgresEpochMicroseconds)
        guard value != .min, !isOverflow else { return nil }
        self.init(microseconds: microseconds)
    }
}

extension Array: PostgresDecodable where Element: PostgresDecodable {
    public static func reads(_ typeID: UInt32) -> Bool {
        TypeID.arrays.contains(typeID) || typeID >= TypeID.firstOfUsers
    }

    public init?(postgres bytes: UnsafeRawBufferPointer) {
        self = []
        func integer(_ offset: Int) -> Int? {
            guard offset + 4 <= bytes.count else { return nil }
            return Int(Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
        }
        guard let dimensions = integer(0) else { return nil }
        if dimensions == 0 { return }
        guard dimensions == 1, let elementType = integer(8), Element.reads(UInt32(truncatingIfNeeded: elementType)),
            let count = integer(12), count >= 0, count <= bytes.count / 4
        else { return nil }
        reserveCapacity(count)
        var offset = 20
        for _ in 0..<count {
            // A NULL element has length −1 and no place in an array of values.
            guard let length = integer(offset), length >= 0, offset + 4 + length <= bytes.count else { return nil }
            let slice = UnsafeRawBufferPointer(rebasing: bytes[(offset + 4)..<(offset + 4 + length)])
            guard let element = Element(postgres: slice) else { return nil }
            append(element)
            offset += 4 + length
        }
    }
}
