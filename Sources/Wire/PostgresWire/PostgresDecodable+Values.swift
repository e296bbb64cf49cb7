public import EventModel

extension Bool: PostgresDecodable {
    /// Columns of `boolean`.
    public static func reads(_ typeID: UInt32) -> Bool { typeID == TypeID.bool }

    /// Reads one byte.
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
    /// Columns of integers.
    public static func reads(_ typeID: UInt32) -> Bool { isInteger(typeID) }
    /// Nil when the integer does not fit.
    public init?(postgres bytes: UnsafeRawBufferPointer) { self.init(bigEndian: bytes) }
}

extension Int32: PostgresDecodable {
    /// Columns of integers.
    public static func reads(_ typeID: UInt32) -> Bool { isInteger(typeID) }
    /// Nil when the integer does not fit.
    public init?(postgres bytes: UnsafeRawBufferPointer) { self.init(bigEndian: bytes) }
}

extension Int64: PostgresDecodable {
    /// Columns of integers.
    public static func reads(_ typeID: UInt32) -> Bool { isInteger(typeID) }
    /// Reads two, four or eight bytes.
    public init?(postgres bytes: UnsafeRawBufferPointer) { self.init(bigEndian: bytes) }
}

extension Int: PostgresDecodable {
    /// Columns of integers.
    public static func reads(_ typeID: UInt32) -> Bool { isInteger(typeID) }
    /// Reads two, four or eight bytes.
    public init?(postgres bytes: UnsafeRawBufferPointer) { self.init(bigEndian: bytes) }
}

extension Double: PostgresDecodable {
    /// Columns of `double precision` and `real`.
    public static func reads(_ typeID: UInt32) -> Bool { typeID == TypeID.float8 || typeID == TypeID.float4 }

    /// Reads four or eight bytes.
    public init?(postgres bytes: UnsafeRawBufferPointer) {
        switch bytes.count {
        case 4: self = Double(Float(bitPattern: UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))))
        case 8: self = Double(bitPattern: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)))
        default: return nil
        }
    }
}

extension String: PostgresDecodable {
    /// Columns of text, and of types that are sent as text: names, enums, JSON.
    public static func reads(_ typeID: UInt32) -> Bool {
        switch typeID {
        case TypeID.text, TypeID.varchar, TypeID.bpchar, TypeID.character, TypeID.name, TypeID.json, TypeID.unknown:
            true
        default: typeID >= TypeID.firstOfUsers
        }
    }

    /// Nil when it is not UTF-8.
    public init?(postgres bytes: UnsafeRawBufferPointer) {
        self.init(validating: bytes, as: UTF8.self)
    }
}

extension UniqueID: PostgresDecodable {
    /// Columns of `uuid`.
    public static func reads(_ typeID: UInt32) -> Bool { typeID == TypeID.uuid }

    /// Reads 16 bytes.
    public init?(postgres bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 16 else { return nil }
        self.init(
            high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
            low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }
}

extension Timestamp: PostgresDecodable {
    /// Columns of `timestamptz`; a `timestamp` says no time zone.
    public static func reads(_ typeID: UInt32) -> Bool { typeID == TypeID.timestamptz }

    /// Nil for `infinity` and `-infinity`, which are no moments.
    public init?(postgres bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 8 else { return nil }
        let value = Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
        // The extremes stand for `-infinity` and `infinity`.
        let (microseconds, isOverflow) = value.addingReportingOverflow(postgresEpochMicroseconds)
        guard value != .min, !isOverflow else { return nil }
        self.init(microseconds: microseconds)
    }
}
