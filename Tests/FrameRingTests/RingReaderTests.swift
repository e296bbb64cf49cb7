import FrameModel
import FrameRing
import Glibc
import Testing

@Suite("Reading a ring")
struct RingReaderTests {
    @Test("Frames come in order and once")
    func inOrder() async throws {
        try await withRingPath { path in
            let writer = try RingWriter(path, capacity: 8)
            let reader = try RingReader(path: path)
            #expect(reader.next() == nil)
            writer.write(0..<5)
            #expect(reader.lag == 5)
            #expect(reader.read(upTo: 2).map(\.id) == [0, 1])
            let frame = try #require(reader.next())
            #expect(frame.eventID == eventID(2) && frame.semantic[1023] == 2)
            #expect(reader.numbers() == [3, 4])
            #expect(reader.next() == nil && reader.lost == 0 && reader.lag == 0)
        }
    }

    @Test("Reading goes on past the end of the ring")
    func wraps() async throws {
        try await withRingPath { path in
            let writer = try RingWriter(path, capacity: 4)
            let reader = try RingReader(path: path)
            for start in stride(from: UInt64(0), to: 30, by: 3) {
                writer.write(start..<start + 3)
                #expect(reader.numbers() == Array(start..<start + 3))
            }
            #expect(reader.lost == 0)
        }
    }

    @Test("What was overwritten before it was read is counted")
    func lapped() async throws {
        try await withRingPath { path in
            let writer = try RingWriter(path, capacity: 4)
            let reader = try RingReader(path: path)
            writer.write(0..<11)
            #expect(reader.numbers() == [7, 8, 9, 10])
            #expect(reader.lost == 7)
        }
    }

    @Test("A slot that is being written is not read, and counts as lost")
    func oddSlot() async throws {
        try await withRingPath { path in
            let writer = try RingWriter(path, capacity: 4)
            let reader = try RingReader(path: path)
            writer.write(0..<4)
            try poke(path, at: slotOffset(0), 2 * 4 + 1)
            #expect(reader.numbers() == [1, 2, 3])
            #expect(reader.lost == 1)
        }
    }

    @Test("The newest frame doesn't move the reader")
    func latest() async throws {
        try await withRingPath { path in
            let writer = try RingWriter(path, capacity: 4)
            let reader = try RingReader(path: path)
            #expect(try reader.latest() == nil)
            writer.write(0..<3)
            #expect(try reader.latest()?.id == 2)
            #expect(reader.position == 0)
            reader.seekLast(1)
            #expect(reader.numbers() == [2])
            try poke(path, at: slotOffset(2), 99)
            let error = #expect(throws: RingError.self) { try reader.latest() }
            #expect(error?.code == .lapped)
        }
    }

    @Test("A reader that starts late starts with the oldest frame there is")
    func startsAtTail() async throws {
        try await withRingPath { path in
            let writer = try RingWriter(path, capacity: 4)
            writer.write(0..<10)
            let reader = try RingReader(path: path)
            #expect(reader.status.tail == 6 && reader.status.head == 10 && reader.status.capacity == 4)
            #expect(reader.numbers() == [6, 7, 8, 9])
            #expect(reader.lost == 0)
        }
    }

    @Test("A ring that is made anew is taken up once the old one is read")
    func replacement() async throws {
        try await withRingPath { path in
            let old = try RingWriter(path, capacity: 4)
            old.write(0..<2)
            let reader = try RingReader(path: path)
            unlink(path)
            unlink(path + ".lock")
            let new = try RingWriter(path, capacity: 6)
            new.write(100..<103)
            #expect(reader.numbers() == [0, 1, 100, 101, 102])
            #expect(reader.status.capacity == 6)
            withExtendedLifetime(old) {}
        }
    }

    @Test("What a new ring has overwritten before it is taken up counts as lost")
    func lostInAReplacement() async throws {
        try await withRingPath { path in
            let old = try RingWriter(path, capacity: 4)
            old.write(0..<2)
            let reader = try RingReader(path: path)
            unlink(path)
            unlink(path + ".lock")
            let new = try RingWriter(path, capacity: 6)
            new.write(100..<110)
            #expect(reader.numbers() == [0, 1] + Array(104..<110))
            #expect(reader.lost == 4)
            withExtendedLifetime(old) {}
        }
    }

    @Test("Following yields what comes, until it is cancelled")
    func following() async throws {
        try await withRingPath { path in
            let writer = try RingWriter(path, capacity: 16)
            writer.write(0..<3)
            let followed = try await withThrowingTaskGroup(of: [UInt64].self) { group in
                group.addTask {
                    var seen: [UInt64] = []
                    let reader = try RingReader(path: path)
                    for await frame in reader.follow(every: .milliseconds(1)) {
                        seen.append(frame.organizationHash)
                        if seen.count == 3 { withUnsafeCurrentTask { $0?.cancel() } }
                    }
                    return seen
                }
                return try await group.next()
            }
            #expect(followed == [0, 1, 2])
        }
    }

    @Test("No frame is ever a mixture of two, though the writer laps the reader all the time")
    func hammered() async throws {
        try await withRingPath { path in
            let total: UInt64 = 200_000
            _ = try RingWriter(path, capacity: 3)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let writer = try RingWriter(path, capacity: 3)
                    writer.write(0..<total)
                }
                for _ in 0..<2 {
                    group.addTask {
                        let reader = try RingReader(path: path)
                        var (seen, mixed): (UInt64, Int) = (reader.position, 0)
                        while reader.position < total {
                            guard let frame = reader.next() else { continue }
                            seen += 1
                            let same = frame.semantic.allSatisfy { $0 == Float(frame.id) }
                            if !same || frame.organizationHash != frame.id { mixed += 1 }
                        }
                        #expect(mixed == 0)
                        #expect(seen + reader.lost == total)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("A missing ring, and what is none, are refused with a way out")
    func refused() async throws {
        try await withRingPath { path in
            let missing = #expect(throws: RingError.self) { _ = try RingReader(path: path) }
            #expect(missing?.code == .missing && missing?.message.contains("start collider-writer") == true)
            try writeFile(path, "short")
            #expect(throws: RingError.self) { _ = try RingReader(path: path) }
            try writeFile(path, String(repeating: "x", count: 64 + 4224))
            let other = #expect(throws: RingError.self) { _ = try RingReader(path: path) }
            #expect(other?.code == .notARing)
        }
    }
}
