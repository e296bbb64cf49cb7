/// Finds one byte string in another in linear time (Knuth, Morris and Pratt), whatever the two are.
struct ByteSearch: Sendable, Equatable {
    let needle: [UInt8]
    /// For each prefix of the needle, how much of it is still matched when the next byte doesn't fit.
    private let fallback: [Int]

    init(_ needle: [UInt8]) {
        self.needle = needle
        var fallback = [Int](repeating: 0, count: needle.count)
        var matched = 0
        for index in needle.indices.dropFirst() {
            while matched > 0, needle[index] != needle[matched] { matched = fallback[matched - 1] }
            if needle[index] == needle[matched] { matched += 1 }
            fallback[index] = matched
        }
        self.fallback = fallback
    }

    /// The end of the first occurrence that begins at or after an offset; nil when there is none.
    func end(in haystack: UnsafeBufferPointer<UInt8>, from start: Int = 0) -> Int? {
        guard !needle.isEmpty else { return start }
        var matched = 0
        var index = start
        while index < haystack.count {
            let byte = haystack[index]
            while matched > 0, byte != needle[matched] { matched = fallback[matched - 1] }
            if byte == needle[matched] { matched += 1 }
            index += 1
            if matched == needle.count { return index }
        }
        return nil
    }
}
