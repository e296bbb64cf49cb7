import CFrameLayout
import FrameModel
import Testing

@Suite("The layout of a frame")
struct LayoutTests {
    private func encoded(_ frame: Frame) -> [UInt8] {
        withUnsafeTemporaryAllocation(of: cfl_frame.self, capacity: 1) { slot in
            // Not zero, so that a byte that encoding forgets shows.
            UnsafeMutableRawBufferPointer(slot).initializeMemory(as: UInt8.self, repeating: 0xEE)
            slot[0].sequence = 0
            frame.encode(into: slot.baseAddress!)
            return Array(UnsafeRawBufferPointer(slot))
        }
    }

    private func read<T>(_ bytes: [UInt8], _ offset: Int, as type: T.Type) -> T {
        bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
    }

    @Test("Every field lies where the specification says")
    func fieldsLieInPlace() {
        let bytes = encoded(fullFrame())
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
        #expect(read(bytes, 4218, as: UInt16.self) == 3)
        #expect(read(bytes, 4220, as: UInt32.self) == 0)
    }

    @Test("What is written is read back")
    func roundTrip() {
        let frame = fullFrame()
        let copy = withUnsafeTemporaryAllocation(of: cfl_frame.self, capacity: 1) { slot in
            slot.initialize(repeating: cfl_frame())
            frame.encode(into: slot.baseAddress!)
            return Frame(slot.baseAddress!)
        }
        #expect(copy == frame)
    }

    @Test("A frame whose lock says it was overtaken is not whole", arguments: [0, 1, 2, 3, 4, 5, 6] as [UInt64])
    func ticketDecides(sequence: UInt64) {
        withUnsafeTemporaryAllocation(of: cfl_frame.self, capacity: 2) { slots in
            slots.initialize(repeating: cfl_frame())
            var frame = fullFrame()
            frame.id = 1
            frame.encode(into: slots.baseAddress!)
            slots[0].sequence = sequence
            let copied = cfl_load(slots.baseAddress!, 1, slots.baseAddress! + 1)
            #expect((copied == CFL_WHOLE) == (sequence == 4))
        }
    }

    @Test("A slot that was begun is not whole until it is stored")
    func beginThenStore() {
        withUnsafeTemporaryAllocation(of: cfl_frame.self, capacity: 3) { slots in
            slots.initialize(repeating: cfl_frame())
            let (slot, source, copy) = (slots.baseAddress!, slots.baseAddress! + 1, slots.baseAddress! + 2)
            fullFrame().encode(into: source)
            cfl_store(slot, source)
            #expect(cfl_load(slot, 77, copy) == CFL_WHOLE)
            #expect(Frame(copy) == fullFrame())
            cfl_begin(slot, 177)
            #expect(cfl_load(slot, 77, copy) == CFL_GONE)
            #expect(cfl_load(slot, 177, copy) == CFL_GONE)
        }
    }
}
