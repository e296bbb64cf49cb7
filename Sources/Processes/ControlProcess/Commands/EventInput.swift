import Glibc
import JSONTree

/// Events of a file: an object, an array, or one object a line.
struct EventInput: Sendable {
    /// The most that is read at once; a larger file is to be sent as NDJSON in parts.
    static let limit = 1 << 30

    private let events: [ArraySlice<UInt8>]
    private let bytes: [UInt8]

    var size: Int { bytes.count }

    init(_ path: String) throws {
        bytes = try Self.readAll(path)
        events = try Self.split(bytes)
        guard !events.isEmpty else { throw CommandError("\(path == "-" ? "standard input" : path) holds no event") }
    }

    struct Batch: Sendable {
        let body: [UInt8]
        let firstIndex: Int
        /// Bytes of the input up to the end of this batch.
        let bytesRead: Int
    }

    struct Batches {
        /// Below the gateway's limit of 16 MiB for a batch.
        private static let byteLimit = 8 << 20

        let events: [ArraySlice<UInt8>]
        let size: Int
        private var index = 0

        init(events: [ArraySlice<UInt8>], size: Int) {
            self.events = events
            self.size = size
        }

        mutating func next() throws -> Batch? {
            guard index < events.count else { return nil }
            let first = index
            var body: [UInt8] = [UInt8(ascii: "[")]
            while index < events.count, index - first < size {
                guard index == first || body.count + events[index].count < Self.byteLimit else { break }
                if index > first { body.append(UInt8(ascii: ",")) }
                body.append(contentsOf: events[index])
                index += 1
            }
            body.append(UInt8(ascii: "]"))
            return Batch(body: body, firstIndex: first, bytesRead: events[index - 1].endIndex)
        }
    }

    func batches(of size: Int) -> Batches {
        Batches(events: events, size: size)
    }

    private static func split(_ bytes: [UInt8]) throws -> [ArraySlice<UInt8>] {
        if let whole = try? JSONDocument(bytes).root {
            return whole.kind == .array ? whole.elements.map(\.source) : [whole.source]
        }
        var events: [ArraySlice<UInt8>] = []
        for (number, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        {
            guard line.contains(where: { $0 > 0x20 }) else { continue }
            do {
                _ = try JSONDocument(Array(line))
            } catch {
                throw CommandError("line \(number + 1) is not JSON: \(error)")
            }
            events.append(line)
        }
        return events
    }

    static func readAll(_ path: String) throws -> [UInt8] {
        let descriptor = path == "-" ? 0 : open(path, O_RDONLY)
        guard descriptor >= 0 else { throw CommandError("cannot read \(path): \(String(cString: strerror(errno)))") }
        defer { if descriptor != 0 { close(descriptor) } }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count >= 0 else { throw CommandError("cannot read \(path): \(String(cString: strerror(errno)))") }
            if count == 0 { return bytes }
            bytes.append(contentsOf: buffer.prefix(count))
            guard bytes.count <= limit else { throw CommandError("\(path) is over 1 GiB; send it in parts") }
        }
    }
}
