/// Cuts a text that comes in pieces into its lines, for NDJSON.
struct LineSplitter {
    /// A line, without its end.
    enum Line {
        case text([UInt8])
        /// It is over the limit; its bytes were not kept.
        case tooLong
    }

    private let limit: Int
    private var begun: [UInt8] = []
    private var isTooLong = false

    /// - Parameter limit: most bytes of a line.
    init(limit: Int) {
        self.limit = limit
    }

    /// Gives the lines that a piece completes; blank ones are left out.
    mutating func append(_ piece: ArraySlice<UInt8>, _ body: (Line) throws -> Void) rethrows {
        var rest = piece
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            keep(rest[..<end])
            rest = rest[(end + 1)...]
            try finish(body)
        }
        keep(rest)
    }

    /// Gives the last line when it has no end.
    mutating func finish(_ body: (Line) throws -> Void) rethrows {
        defer {
            begun.removeAll(keepingCapacity: false)
            isTooLong = false
        }
        if isTooLong { return try body(.tooLong) }
        if begun.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) { try body(.text(begun)) }
    }

    private mutating func keep(_ bytes: ArraySlice<UInt8>) {
        isTooLong = isTooLong || begun.count + bytes.count > limit
        if isTooLong { begun.removeAll() } else { begun.append(contentsOf: bytes) }
    }
}
