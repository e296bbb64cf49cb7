extension Array: PostgresDecodable where Element: PostgresDecodable {
    /// Columns of arrays; the elements are checked one by one.
    public static func reads(_ typeID: UInt32) -> Bool {
        TypeID.arrays.contains(typeID) || typeID >= TypeID.firstOfUsers
    }

    /// Nil for more than one dimension, or when an element is NULL.
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
