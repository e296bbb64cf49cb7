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

    @Test("A slot that was begun is not whole until it is stored, by whichever path", arguments: FrameLayout.allCases)
    func beginThenStore(layout: FrameLayout) {
        for path in [CFL_STORE_WORDS, CFL_STORE_VECTORS, CFL_STORE_PREFETCHED, CFL_STORE_STREAMED] {
            withSlots(4, layout) { slots in
                var frame = fullFrame()
                frame.semantic = (0..<1024).map { Float($0 % 128) }
                frame.encode(into: slots[1], as: layout)
                cfl_store(slots[0], slots[1], layout.frameSize, path, slots[3])
                #expect(cfl_load(slots[0], 77, slots[2], layout.frameSize) == CFL_WHOLE)
                #expect(Frame(slots[2], as: layout) == frame)
                #expect(slots[3].pointee.sequence == 0)
                cfl_begin(slots[0], 177)
                #expect(cfl_load(slots[0], 77, slots[2], layout.frameSize) == CFL_GONE)
                #expect(cfl_load(slots[0], 177, slots[2], layout.frameSize) == CFL_GONE)
            }
        }
    }
}
