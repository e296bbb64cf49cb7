/// Parameters in the form that libpq takes: one buffer, and where in it each value lies.
struct EncodedParameters {
    private var buffer: [UInt8] = []
    private var places: [Range<Int>?] = []

    init(_ parameters: [PostgresParameter]) {
        places.reserveCapacity(parameters.count)
        for parameter in parameters {
            let start = buffer.count
            let isPresent = parameter.encode(into: &buffer)
            places.append(isPresent ? start..<buffer.count : nil)
        }
        // An empty value still needs an address, because a null pointer means NULL; this byte gives the last one its.
        buffer.append(0)
    }

    /// Lends the number of values, and their addresses, lengths and formats (all binary).
    func withPointers<R>(
        _ body: (
            Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?
        ) -> R
    ) -> R {
        buffer.withUnsafeBytes { bytes in
            let start = bytes.baseAddress!.assumingMemoryBound(to: CChar.self)
            let values = places.map { place in place.map { UnsafePointer(start + $0.lowerBound) } }
            let lengths = places.map { Int32($0?.count ?? 0) }
            let formats = [Int32](repeating: 1, count: places.count)
            return body(Int32(places.count), values, lengths, formats)
        }
    }
}
