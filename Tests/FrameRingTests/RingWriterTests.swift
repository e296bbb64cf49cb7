import EventModel
import FrameModel
import FrameRing
import Glibc
import Testing

@Suite("Writing a ring")
struct RingWriterTests {
    @Test("A new ring has the size, the mode and the header of the specification")
    func creation() async throws {
        try await withRingPath { path in
            let mask = umask(0o077)
            defer { umask(mask) }
            let writer = try RingWriter(path, capacity: 10)
            var status = stat()
            #expect(stat(path, &status) == 0)
            #expect(status.st_size == 64 + 10 * 4224)
            #expect(status.st_mode & 0o777 == 0o640)
            #expect(status.st_blocks * 512 >= status.st_size, "its space is taken")
            #expect(try peek(path, at: 0) == 0x5048_5953_4943_5300)
            #expect(try peek(path, at: 8) == 1 | 4224 << 32)
            #expect(
                try (16...56).filter { $0.isMultiple(of: 8) }.map { try peek(path, at: $0) } == [
                    10, 0, 0, 1, UInt64(now.microseconds), 0,
                ])
            #expect(access(path + ".new", F_OK) != 0)
            withExtendedLifetime(writer) {}
        }
    }

    @Test("A new writer goes on with the frame ids, and has the next number")
    func continues() async throws {
        try await withRingPath { path in
            for generation in 0..<3 as Range<UInt64> {
                let writer = try RingWriter(path, capacity: 4)
                #expect(writer.head == generation * 3)
                #expect(writer.epoch == generation + 1)
                writer.write(generation * 3..<generation * 3 + 3)
            }
            let reader = try RingReader(path: path)
            #expect(reader.numbers() == [5, 6, 7, 8])
        }
    }

    @Test("Only one process writes")
    func oneWriter() async throws {
        try await withRingPath { path in
            let first = try RingWriter(path, capacity: 4)
            let error = #expect(throws: RingError.self) { _ = try RingWriter(path, capacity: 4) }
            #expect(error?.code == .locked)
            #expect(error?.message.contains("pid \(getpid())") == true)
            withExtendedLifetime(first) {}
        }
    }

    @Test("Another capacity or version is refused, and the message says what to do")
    func otherRing() async throws {
        try await withRingPath { path in
            _ = try RingWriter(path, capacity: 4)
            let capacity = #expect(throws: RingError.self) { _ = try RingWriter(path, capacity: 5) }
            #expect(capacity?.code == .capacity)
            #expect(capacity?.message.contains("set RING_CAPACITY to 4") == true)
            try poke(path, at: 8, 2 | 4224 << 32)
            let version = #expect(throws: RingError.self) { _ = try RingWriter(path, capacity: 4) }
            #expect(version?.code == .version)
            try poke(path, at: 8, 1 | 4224 << 32)
            _ = try RingWriter(path, capacity: 4)
        }
    }

    @Test("A compact ring has its own magic and size, and is no full one")
    func compactRing() async throws {
        try await withRingPath { path in
            do {
                let writer = try RingWriter(path: path, capacity: 10, layout: .compact, now: now)
                writer.write(0..<12)
            }
            var status = stat()
            #expect(stat(path, &status) == 0)
            #expect(status.st_size == 64 + 10 * 1152)
            #expect(try peek(path, at: 0) == 0x5048_5953_4943_3800)
            #expect(try peek(path, at: 8) == 1 | 1152 << 32)
            let error = #expect(throws: RingError.self) { _ = try RingWriter(path, capacity: 10) }
            #expect(error?.code == .layout)
            #expect(error?.message.contains("set RING_LAYOUT to compact") == true)
            let reader = try RingReader(path: path)
            #expect(reader.status.layout == .compact)
            let frames = reader.read(upTo: 100)
            #expect(frames.map(\.id) == Array(2..<12))
            #expect(frames.allSatisfy { frame in frame.semantic.allSatisfy { abs($0 - Float(frame.id)) < 0.01 } })
            #expect(try RingWriter(path: path, capacity: 10, layout: .compact, now: now).head == 12)
        }
    }

    @Test("A missing folder and one that is none are clear errors")
    func noFolder() async throws {
        try await withRingPath { path in
            let missing = #expect(throws: RingError.self) { _ = try RingWriter(path + "/none/ring", capacity: 4) }
            #expect(missing?.code == .folder && missing?.message.contains("there is no folder") == true)
            try writeFile(path, "x")
            let file = #expect(throws: RingError.self) { _ = try RingWriter(path + "/ring", capacity: 4) }
            #expect(file?.code == .folder && file?.message.contains("is no folder") == true)
        }
    }

    @Test("Too little space is one clear error, and leaves nothing behind")
    func noSpace() async throws {
        try await withRingPath { path in
            let error = #expect(throws: RingError.self) { _ = try RingWriter(path, capacity: 2_000_000_000_000) }
            #expect(error?.code == .space)
            #expect(error?.message.contains("RING_CAPACITY") == true)
            #expect(error?.message.contains("MB are free") == true)
            let absurd = #expect(throws: RingError.self) { _ = try RingWriter(path, capacity: .max) }
            #expect(absurd?.code == .space)
            #expect(access(path, F_OK) != 0 && access(path + ".new", F_OK) != 0)
        }
    }

    @Test("A half-written frame of a dead writer is emptied, and its id used again")
    func halfWritten() async throws {
        try await withRingPath { path in
            do {
                let writer = try RingWriter(path, capacity: 4)
                writer.write(0..<5)
            }
            try poke(path, at: slotOffset(1), 2 * 5 + 1)
            try poke(path, at: slotOffset(1) + 16, 0xDEAD)
            let writer = try RingWriter(path, capacity: 4)
            #expect(try peek(path, at: slotOffset(1)) == 0)
            #expect(writer.head == 5)
            #expect(try RingReader(path: path).numbers() == [2, 3, 4])
            #expect(writer.write(frame(5)) == 5)
            #expect(try RingReader(path: path).numbers() == [2, 3, 4, 5])
        }
    }

    @Test("A whole frame that a dead writer had not published is published")
    func unpublished() async throws {
        try await withRingPath { path in
            do {
                let writer = try RingWriter(path, capacity: 4)
                writer.write(0..<6)
            }
            try poke(path, at: 24, 5)
            let writer = try RingWriter(path, capacity: 4)
            #expect(writer.head == 6)
            #expect(try RingReader(path: path).numbers() == [2, 3, 4, 5])
        }
    }

    @Test("Of a burst in which a writer died its whole frames are published, and the other slots emptied")
    func halfOfABurst() async throws {
        try await withRingPath { path in
            do {
                let writer = try RingWriter(path, capacity: 64)
                writer.write(0..<72)
            }
            // Died when two of the last eight were called whole.
            for id in 66..<72 { try poke(path, at: slotOffset(id % 64), UInt64(2 * id + 1)) }
            try poke(path, at: 24, 64)
            let writer = try RingWriter(path, capacity: 64)
            #expect(writer.head == 66)
            for id in 66..<72 { #expect(try peek(path, at: slotOffset(id % 64)) == 0) }
            #expect(try RingReader(path: path).numbers() == Array(8..<66))
            writer.write(66..<69)
            #expect(try RingReader(path: path).numbers() == Array(8..<69))
        }
    }

    @Test("Frames that are written together have ids in their order", arguments: [1, 7, 8, 130, 4_000])
    func bursts(capacity: Int) async throws {
        try await withRingPath { path in
            let writer = try RingWriter(path, capacity: capacity)
            let reader = try RingReader(path: path)
            var numbers: [UInt64] = []
            for size in [1, 2, 15, 16, 17, 40, 0, 3] as [UInt64] {
                writer.write(writer.head..<writer.head + size)
                numbers += reader.numbers()
            }
            #expect(writer.head == 94)
            #expect(numbers.count + Int(reader.lost) == 94)
            #expect(numbers == numbers.sorted() && numbers.last == 93)
            #expect(capacity < 130 || numbers.count == 94)
        }
    }

    @Test("Readers see that the writer lives")
    func heartbeat() async throws {
        try await withRingPath { path in
            let writer = try RingWriter(path, capacity: 4)
            writer.beat(at: Timestamp(microseconds: 42))
            #expect(try RingReader(path: path).status.heartbeat == Timestamp(microseconds: 42))
        }
    }
}

@Suite("Positions beside a ring")
struct RingPositionTests {
    @Test("What was saved is there for the next writer")
    func saved() async throws {
        try await withRingPath { path in
            do {
                let writer = try RingWriter(path, capacity: 4)
                #expect(writer.saved == nil)
                writer.write(0..<3)
                try writer.save([0: 3, 7: 0, 63: .max])
            }
            let writer = try RingWriter(path, capacity: 4)
            #expect(writer.saved?.parts == [0: 3, 7: 0, 63: .max])
            #expect(writer.saved?.head == 3)
            #expect(writer.framedEvents(from: 3).isEmpty)
        }
    }

    @Test("The newest frames tell what a writer had framed that died before it saved")
    func settled() async throws {
        try await withRingPath { path in
            do {
                let writer = try RingWriter(path, capacity: 4)
                writer.write(0..<6)
                try writer.save([0: 6])
                writer.write(6..<8)
            }
            let writer = try RingWriter(path, capacity: 4)
            let saved = try #require(writer.saved)
            #expect(saved.parts == [0: 6])
            #expect(writer.framedEvents(from: saved.head) == [eventID(6), eventID(7)])
            #expect(writer.framedEvents(from: 0) == Set((4...7).map { eventID($0) }))
            var replayed: [UInt64] = []
            writer.replay { replayed.append($0.organizationHash) }
            #expect(replayed == [4, 5, 6, 7])
        }
    }

    @Test("Positions of a ring that is gone don't count for a new one")
    func stale() async throws {
        try await withRingPath { path in
            do {
                let writer = try RingWriter(path, capacity: 4)
                writer.write(0..<1)
                try writer.save([0: 1])
            }
            unlink(path)
            #expect(try RingWriter(path, capacity: 4).saved == nil)
            #expect(access(path + ".positions", F_OK) != 0)
        }
    }

    @Test(
        "Positions that are damaged, or from after the ring's head, are none",
        arguments: [
            "", "x", "collider ring positions 1\nhead 1\npart 0 1\n", "collider ring positions 2\nhead 1\nend\n",
            "collider ring positions 1\nhead -1\nend\n", "collider ring positions 1\nhead 1\npart 0\nend\n",
            "collider ring positions 1\nhead 9\npart 0 1\nend\n",
        ])
    func damaged(text: String) async throws {
        try await withRingPath { path in
            do {
                let writer = try RingWriter(path, capacity: 4)
                writer.write(0..<1)
            }
            try writeFile(path + ".positions", text)
            #expect(try RingWriter(path, capacity: 4).saved == nil)
        }
    }
}
