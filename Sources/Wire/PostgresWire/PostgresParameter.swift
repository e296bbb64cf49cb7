public import EventModel

/// A value sent with a statement, in PostgreSQL's binary format (the `…_recv` functions of its sources).
public enum PostgresParameter: Sendable {
    case null
    case bool(Bool)
    case int2(Int16)
    case int4(Int32)
    case int8(Int64)
    case double(Double)
    case text(String)
    case uuid(UniqueID)
    case timestamp(Timestamp)
    /// JSON text; the server validates it.
    case jsonb([UInt8])
    case bytes([UInt8])
    case bools([Bool])
    case int2s([Int16])
    case int4s([Int32?])
    case int8s([Int64])
    case texts([String?])
    case uuids([UniqueID?])
    case timestamps([Timestamp?])
    case jsonbs([[UInt8]?])
    case byteArrays([[UInt8]?])

    /// The text, or NULL.
    public static func optional(_ value: String?) -> PostgresParameter { value.map { .text($0) } ?? .null }
    /// The id, or NULL.
    public static func optional(_ value: UniqueID?) -> PostgresParameter { value.map { .uuid($0) } ?? .null }
    /// The time, or NULL.
    public static func optional(_ value: Timestamp?) -> PostgresParameter { value.map { .timestamp($0) } ?? .null }
    /// The number, or NULL.
    public static func optional(_ value: Int64?) -> PostgresParameter { value.map { .int8($0) } ?? .null }
    /// The JSON, or NULL.
    public static func optional(json value: [UInt8]?) -> PostgresParameter { value.map { .jsonb($0) } ?? .null }
}

extension PostgresParameter {
    /// The declared type; 0 leaves it to the server to infer.
    var typeID: UInt32 {
        switch self {
        case .null: 0
        case .bool: TypeID.bool
        case .int2: TypeID.int2
        case .int4: TypeID.int4
        case .int8: TypeID.int8
        case .double: TypeID.float8
        case .text: TypeID.text
        case .uuid: TypeID.uuid
        case .timestamp: TypeID.timestamptz
        case .jsonb: TypeID.jsonb
        case .bytes: TypeID.bytea
        case .bools: TypeID.boolArray
        case .int2s: TypeID.int2Array
        case .int4s: TypeID.int4Array
        case .int8s: TypeID.int8Array
        case .texts: TypeID.textArray
        case .uuids: TypeID.uuidArray
        case .timestamps: TypeID.timestamptzArray
        case .jsonbs: TypeID.jsonbArray
        case .byteArrays: TypeID.byteaArray
        }
    }

    /// Appends the value's bytes; false for NULL, which has none.
    func encode(into buffer: inout [UInt8]) -> Bool {
        switch self {
        case .null: return false
        case .bool(let value): buffer.append(value ? 1 : 0)
        case .int2(let value): buffer.append(bigEndian: value)
        case .int4(let value): buffer.append(bigEndian: value)
        case .int8(let value): buffer.append(bigEndian: value)
        case .double(let value): buffer.append(bigEndian: value.bitPattern)
        case .text(let value): buffer.append(contentsOf: value.utf8)
        case .uuid(let value): buffer.append(value)
        case .timestamp(let value): buffer.append(value)
        case .jsonb(let value): buffer.append(json: value)
        case .bytes(let value): buffer.append(contentsOf: value)
        case .bools(let values): buffer.append(array: values, of: TypeID.bool) { $0.append($1 ? 1 : 0) }
        case .int2s(let values): buffer.append(array: values, of: TypeID.int2) { $0.append(bigEndian: $1) }
        case .int4s(let values): buffer.append(array: values, of: TypeID.int4) { $0.append(bigEndian: $1) }
        case .int8s(let values): buffer.append(array: values, of: TypeID.int8) { $0.append(bigEndian: $1) }
        case .texts(let values): buffer.append(array: values, of: TypeID.text) { $0.append(contentsOf: $1.utf8) }
        case .uuids(let values): buffer.append(array: values, of: TypeID.uuid) { $0.append($1) }
        case .timestamps(let values): buffer.append(array: values, of: TypeID.timestamptz) { $0.append($1) }
        case .jsonbs(let values): buffer.append(array: values, of: TypeID.jsonb) { $0.append(json: $1) }
        case .byteArrays(let values): buffer.append(array: values, of: TypeID.bytea) { $0.append(contentsOf: $1) }
        }
        return true
    }
}

/// PostgreSQL counts time from 2000-01-01, Unix from 1970-01-01; the difference in microseconds.
let postgresEpochMicroseconds: Int64 = 946_684_800_000_000

extension [UInt8] {
    fileprivate mutating func append<I: FixedWidthInteger>(bigEndian value: I) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    fileprivate mutating func append(_ id: UniqueID) {
        append(bigEndian: id.high)
        append(bigEndian: id.low)
    }

    fileprivate mutating func append(_ time: Timestamp) {
        // The least integer would mean `-infinity`. What lies that far back the server refuses, as it should.
        let (microseconds, isOverflow) = time.microseconds.subtractingReportingOverflow(postgresEpochMicroseconds)
        append(bigEndian: isOverflow || microseconds == .min ? .min + 1 : microseconds)
    }

    /// jsonb's binary format is its version, 1, and JSON text.
    fileprivate mutating func append(json: [UInt8]) {
        append(1)
        append(contentsOf: json)
    }

    /// One dimension, lower bound 1; each element its length and its bytes, −1 for NULL (`array_recv`).
    fileprivate mutating func append<Value>(
        array elements: [Value?], of type: UInt32, _ encode: (inout [UInt8], Value) -> Void
    ) {
        append(bigEndian: Int32(elements.isEmpty ? 0 : 1))
        append(bigEndian: Int32(elements.contains { $0 == nil } ? 1 : 0))
        append(bigEndian: type)
        guard !elements.isEmpty else { return }
        append(bigEndian: Int32(elements.count))
        append(bigEndian: Int32(1))
        for element in elements {
            guard let element else {
                append(bigEndian: Int32(-1))
                continue
            }
            let place = count
            append(bigEndian: Int32(0))
            encode(&self, element)
            let length = Int32(count - place - 4).bigEndian
            withUnsafeMutableBytes { $0.storeBytes(of: length, toByteOffset: place, as: Int32.self) }
        }
    }
}
