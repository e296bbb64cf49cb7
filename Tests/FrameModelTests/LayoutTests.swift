import CFrameLayout
import FrameModel
import Testing

@Suite("The layout of a frame")
struct LayoutTests {
    /// Lends memory for some frames of a layout. Not zero, so that a byte that encoding forgets shows.
    private func withSlots<R>(
        _ count: Int, _ layout: FrameLayout, _ body: ([UnsafeMutablePointer<cfl_slot>]) throws -> R
    ) rethrows -> R {
        let size = layout.frameSize
        let memory = UnsafeMutableRawPointer.allocate(byteCount: count * size, alignment: 64)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 0xEE, count: count * size)
        let slots = (0..<count).map { (memory + $0 * size).assumingMemoryBound(to: cfl_slot.self) }
        for slot in slots { slot.pointee.sequence = 0 }
        return try body(slots)
    }

    private func encoded(_ frame: Frame, as layout: FrameLayout) -> [UInt8] {
        withSlots(1, layout) { slots in
            frame.encode(into: slots[0], as: layout)
            return Array(UnsafeRawBufferPointer(start: slots[0], count: layout.frameSize))
        }
    }

    private func read<T>(_ bytes: [UInt8], _ offset: Int, as type: T.Type) -> T {
        bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
    }

    @Test("Every field lies where the specification says")
    func fieldsLieInPlace() {
        let bytes = encoded(fullFrame(), as: .full)
        #expect(bytes.count == 4224)
        #expect(read(bytes, 8, as: UInt64.self) == 77)
        #expect(read(bytes, 16 + 4 * 999, as: Float.self) == 0.999)
        #expect(read(bytes, 16 + 4 * 1000, as: Float.self) == 0)
        #expect(read(bytes, 16 + 4 * 1023, as: Float.self) == 0)
        #expect(read(bytes, 4112, as: Float.self) == 1.25)
        #expect(read(bytes, 4116, as: Float.self) == 3.5)
        #expect(read(bytes, 4120, as: Float.self) == 12)
        #expect(read(bytes, 4124, as: Float.self) == 2)
        #expect(read(bytes, 4128, as: Int64.self) == -1_234_567)
        #expect(read(bytes, 4136, as: UInt64.self) == 0x99AA_BBCC_DDEE_FF00)
        #expect(read(bytes, 4144, as: Int32.self) == 7)
        #expect(read(bytes, 4148, as: Int32.self) == -8)
        #expect(read(bytes, 4152, as: Int32.self) == 9)
        #expect(read(bytes, 4156, as: Float.self) == 0.75)
        #expect(read(bytes, 4160, as: Int32.self) == 2)
        #expect(read(bytes, 4164, as: Int32.self) == 42)
        #expect(read(bytes, 4168, as: Float.self) == -0.25)
        #expect(read(bytes, 4172, as: Float.self) == 0.875)
        #expect((0..<4).map { read(bytes, 4176 + 4 * $0, as: Float.self) } == [0.5, -0.5, 0.5, -0.5])
        #expect(Array(bytes[4192..<4208]) == Array(1...16))
        #expect(read(bytes, 4208, as: UInt64.self) == 0x1122_3344_5566_7788)
        #expect(read(bytes, 4216, as: UInt16.self) == 1000)
        #expect(read(bytes, 4218, as: UInt16.self) == 9)
        #expect(read(bytes, 4220, as: UInt32.self) == 0)
    }

    @Test("The compact layout has the same fields, 3072 bytes earlier, and the embedding as bytes with a scale")
    func compactFieldsLieInPlace() {
        let (full, compact) = (encoded(fullFrame(), as: .full), encoded(fullFrame(), as: .compact))
        #expect(compact.count == 1152)
        #expect(read(compact, 8, as: UInt64.self) == 77)
        #expect(compact[1040..<1148].elementsEqual(full[4112..<4220]))
        #expect(read(compact, 1148, as: Float.self) == 0.999 / 127)
        #expect(read(compact, 16 + 999, as: Int8.self) == 127)
        #expect(read(compact, 16 + 500, as: Int8.self) == 64)
        #expect(compact[(16 + 1000)..<(16 + 1024)].allSatisfy { $0 == 0 })
    }

    @Test("What is written is read back")
    func roundTrip() {
        let copy = withSlots(1, .full) { slots in
            fullFrame().encode(into: slots[0], as: .full)
            return Frame(slots[0], as: .full)
        }
        #expect(copy == fullFrame())
    }

    @Test("What is written compactly is read back, with an embedding that points nearly the same way")
    func compactRoundTrip() {
        var frame = fullFrame()
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<100 {
            frame.semantic = (0..<1024).map { _ in Float.random(in: -1...1, using: &generator) }
            var copy = withSlots(1, .compact) { slots in
                frame.encode(into: slots[0], as: .compact)
                return Frame(slots[0], as: .compact)
            }
            let dot = zip(copy.semantic, frame.semantic).reduce(0) { $0 + Double($1.0) * Double($1.1) }
            let lengths = [copy.semantic, frame.semantic].map { $0.reduce(0) { $0 + Double($1) * Double($1) } }
            #expect(dot / (lengths[0] * lengths[1]).squareRoot() > 0.9999)
            #expect(zip(copy.semantic, frame.semantic).allSatisfy { abs($0 - $1) < 1 / 253 })
            copy.semantic = frame.semantic
            #expect(copy == frame)
        }
    }

    @Test(
        "Embeddings of nothing, of one value, and of values that are no numbers are brought to bytes too",
        arguments: [
            ([], [], 0), ([0, 0], [0, 0], 0), ([-2], [-127], 2.0 / 127),
            ([.leastNonzeroMagnitude, -.leastNormalMagnitude], [0, 0], 0),
            ([.nan, 1, -.infinity], [0, 127, 0], 1.0 / 127),
            ([.greatestFiniteMagnitude, 0], [127, 0], .greatestFiniteMagnitude / 127),
        ] as [([Float], [Int8], Float)])
    func quantized(numbers: [Float], bytes: [Int8], scale: Float) {
        var found = [Int8](repeating: 99, count: numbers.count)
        #expect(cfl_quantize(numbers, &found, numbers.count) == scale)
        #expect(found == bytes)
    }

    @Test(
        "However many values an embedding has, each becomes the nearest byte",
        arguments: [1, 31, 32, 63, 64, 96, 992, 1_023, 1_024], [Float.nan, .infinity, 0.5])
    func quantizedByAnyPath(count: Int, odd: Float) {
        var random = SystemRandomNumberGenerator()
        var numbers = (0..<count).map { _ in Float.random(in: -3...3, using: &random) }
        numbers[count / 2] = odd
        var found = [Int8](repeating: 99, count: count)
        let scale = cfl_quantize(numbers, &found, count)
        let greatest = numbers.filter(\.isFinite).map(abs).max() ?? 0
        #expect(scale == greatest / 127)
        for (number, byte) in zip(numbers, found) {
            let expected = number.isFinite && scale > 0 ? (number * (1 / scale)).rounded(.toNearestOrEven) : 0
            #expect(Float(byte) == expected, "\(number)")
        }
    }

    @Test("A frame whose lock says it was overtaken is not whole", arguments: FrameLayout.allCases)
    func ticketDecides(layout: FrameLayout) {
        for sequence in 0...6 as ClosedRange<UInt64> {
            withSlots(2, layout) { slots in
                var frame = fullFrame()
                frame.id = 1
                frame.encode(into: slots[0], as: layout)
                slots[0].pointee.sequence = sequence
                let copied = cfl_load(slots[0], 1, slots[1], layout.frameSize)
                #expect((copied == CFL_WHOLE) == (sequence == 4))
            }
        }
    }

    /// A ring in memory of this process, empty.
    private func withRing<R>(
        _ capacity: Int, _ layout: FrameLayout, _ body: (UnsafeMutablePointer<cfl_header>) throws -> R
    ) rethrows -> R {
        let size = CFL_HEADER_SIZE + capacity * layout.frameSize
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        let header = memory.bindMemory(to: cfl_header.self, capacity: 1)
        header.pointee.frame_size = UInt32(layout.frameSize)
        header.pointee.capacity = UInt64(capacity)
        return try body(header)
    }

    private func slot(_ place: Int, of ring: UnsafeMutablePointer<cfl_header>) -> UnsafeMutablePointer<cfl_slot> {
        let offset = CFL_HEADER_SIZE + place * Int(ring.pointee.frame_size)
        return (UnsafeMutableRawPointer(ring) + offset).assumingMemoryBound(to: cfl_slot.self)
    }

    static let paths = [CFL_STORE_WORDS, CFL_STORE_VECTORS, CFL_STORE_PREFETCHED, CFL_STORE_STREAMED]

    @Test(
        "An embedding whose lines are lent lies as if it had been copied",
        arguments: [0, 1, 11, 12, 13, 27, 28, 29, 384, 1_023, 1_024, 1_100])
    func lentLines(count: Int) {
        var frame = fullFrame()
        frame.id = 0
        frame.semantic = (0..<count).map { Float($0 + 1) }
        for path in Self.paths {
            withSlots(2, .full) { slots in
                frame.encode(into: slots[0], as: .full)
                slots[0].pointee.sequence = 2
                withRing(3, .full) { ring in
                    Frame.encode(&frame, into: slots[1], as: .full) { payload, lines in
                        var source = cfl_source(frame: slots[1], payload: payload, lines: lines)
                        cfl_write(ring, &source, 1, path)
                    }
                    #expect(memcmp(slot(0, of: ring), slots[0], FrameLayout.full.frameSize) == 0)
                }
            }
        }
    }

    @Test("A burst is whole, in the order of its frames, over the ring's end", arguments: FrameLayout.allCases)
    func bursts(layout: FrameLayout) {
        for path in Self.paths {
            withSlots(2, layout) { slots in
                var frame = fullFrame()
                // Which bytes hold as well as floats.
                frame.semantic = (0..<1024).map { Float($0 % 128) }
                frame.encode(into: slots[0], as: layout)
                withRing(5, layout) { ring in
                    let sources = [cfl_source](repeating: cfl_source(frame: slots[0], payload: nil, lines: 0), count: 3)
                    for head in [3, 6, 9, 12] as [UInt64] {
                        cfl_write(ring, sources, 3, path)
                        #expect(cfl_head(ring) == head)
                        #expect(cfl_tail(ring) == (head > 5 ? head - 5 : 0))
                        for id in head - 3..<head {
                            let copied = cfl_load(slot(Int(id % 5), of: ring), id, slots[1], layout.frameSize)
                            frame.id = id
                            #expect(copied == CFL_WHOLE && Frame(slots[1], as: layout) == frame)
                        }
                    }
                }
            }
        }
    }

    @Test("A slot that was begun is not whole until it is ended", arguments: FrameLayout.allCases)
    func beginThenEnd(layout: FrameLayout) {
        withSlots(2, layout) { slots in
            fullFrame().encode(into: slots[0], as: layout)
            cfl_begin(slots[0], 77)
            cfl_begun()
            #expect(cfl_load(slots[0], 77, slots[1], layout.frameSize) == CFL_GONE)
            cfl_end(slots[0], 77)
            #expect(cfl_load(slots[0], 77, slots[1], layout.frameSize) == CFL_WHOLE)
            cfl_begin(slots[0], 177)
            #expect(cfl_load(slots[0], 77, slots[1], layout.frameSize) == CFL_GONE)
            #expect(cfl_load(slots[0], 177, slots[1], layout.frameSize) == CFL_GONE)
        }
    }
}
