import EventModel
import FrameModel
import FrameRing
import Glibc
import Testing

/// A folder of its own for one ring, removed afterwards.
func withRingPath<R>(_ body: (String) async throws -> R) async throws -> R {
    var template = Array("/tmp/collider-ring-XXXXXX".utf8CString)
    let folder = try #require(mkdtemp(&template).map { String(cString: $0) })
    defer {
        for suffix in ["", ".new", ".lock", ".positions", ".positions.new"] { unlink("\(folder)/ring\(suffix)") }
        rmdir(folder)
    }
    return try await body("\(folder)/ring")
}

/// A frame whose every number tells which one it is.
func frame(_ number: UInt64) -> Frame {
    var frame = Frame(eventID: eventID(number), time: Timestamp(microseconds: Int64(number)), organizationHash: number)
    frame.semantic = Array(repeating: Float(number), count: Frame.dimensions)
    frame.conversationHash = number
    return frame
}

func eventID(_ number: UInt64) -> UniqueID { UniqueID(high: 0xAB, low: number) }

let now = Timestamp(microseconds: 1_700_000_000_000_000)

extension RingWriter {
    convenience init(_ path: String, capacity: Int) throws(RingError) {
        try self.init(path: path, capacity: capacity, now: now)
    }

    /// Writes the frames of these numbers.
    func write(_ numbers: Range<UInt64>) {
        write(numbers.map { frame($0) })
    }
}

extension RingReader {
    /// The numbers of all frames that can be read now.
    func numbers() -> [UInt64] { read(upTo: .max).map(\.organizationHash) }
}

/// What another program does to the file, or what a program left that died: bytes at a place.
func poke(_ path: String, at offset: Int, _ value: UInt64) throws {
    let descriptor = open(path, O_RDWR)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    var value = value.littleEndian
    #expect(pwrite(descriptor, &value, 8, off_t(offset)) == 8)
}

func peek(_ path: String, at offset: Int) throws -> UInt64 {
    let descriptor = open(path, O_RDONLY)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    var value: UInt64 = 0
    #expect(pread(descriptor, &value, 8, off_t(offset)) == 8)
    return UInt64(littleEndian: value)
}

func writeFile(_ path: String, _ text: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    #expect(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
}

func slotOffset(_ slot: Int) -> Int { 64 + slot * 4224 }
