import Glibc

/// Cuts a text that comes in pieces into its lines, for NDJSON.
struct LineSplitter {
    /// A line, without its end.
    enum Line {
        case text([UInt8])
        /// It is over the limit; its bytes were not kept.
        case tooLong
    }

    private let limit: Int
    /// The line that the pieces so far have begun and not ended.
    private var begun: [UInt8] = []
    private var isTooLong = false

    /// - Parameter limit: most bytes of a line.
    init(limit: Int) {
        self.limit = limit
    }

    /// Gives the lines that a piece completes; blank ones are left out.
    mutating func append(_ piece: ArraySlice<UInt8>, _ body: (Line) throws -> Void) rethrows {
        try piece.withUnsafeBytes { bytes in
            var start = 0
            while start < bytes.count, let base = bytes.baseAddress {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
                guard let end = memchr(base + start, 0x0A, rest.count) else { return keep(rest) }
                let length = UnsafeRawPointer(end) - (base + start)
                keep(UnsafeRawBufferPointer(rebasing: rest[..<length]))
                try finish(body)
                start += length + 1
            }
        }
    }

    /// Gives the last line when it has no end.
    mutating func finish(_ body: (Line) throws -> Void) rethrows {
        defer {
            begun = []
            isTooLong = false
        }
        if isTooLong { return try body(.tooLong) }
        if begun.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) { try body(.text(begun)) }
    }

    private mutating func keep(_ bytes: UnsafeRawBufferPointer) {
        isTooLong = isTooLong || begun.count + bytes.count > limit
        if isTooLong { begun = [] } else { begun.append(contentsOf: bytes) }
    }
}
