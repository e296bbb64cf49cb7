import EventModel
import Testing

struct UniqueIDTests {
    @Test("The version 7 example of RFC 9562 comes out of its parts")
    func version7Example() {
        let id = UniqueID.version7(milliseconds: 0x017F_22E2_79B0, random: (0xCC3, 0x18C4_DC0C_0C07_398F))
        #expect(id.description == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
        #expect(id.timestampMilliseconds == 1_645_557_742_000)
    }

    @Test("Version and variant stay, whatever the randomness")
    func versionAndVariant() {
        for random in [(UInt64.min, UInt64.min), (.max, .max), (1 << 63, 1 << 62)] {
            let id = UniqueID.version7(milliseconds: (1 << 48) - 1, random: random)
            #expect(id.bytes[6] >> 4 == 7)
            #expect(id.bytes[8] >> 6 == 2)
            #expect(id.timestampMilliseconds == (1 << 48) - 1)
        }
    }

    @Test("Version 7 ids sort by time, as ids, bytes and text")
    func order() {
        var random = SeededGenerator(seed: 3)
        let ids = (0..<200).map { UniqueID.version7(milliseconds: $0 * 7, random: (random.next(), random.next())) }
        #expect(ids == ids.shuffled(using: &random).sorted())
        #expect(ids.map(\.description) == ids.map(\.description).sorted())
        #expect(zip(ids, ids.dropFirst()).allSatisfy { $0.bytes.lexicographicallyPrecedes($1.bytes) })
    }

    @Test("Text and bytes survive a round trip")
    func roundTrip() throws {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<500 {
            let id = UniqueID(high: random.next(), low: random.next())
            #expect(UniqueID(id.description) == id)
            #expect(UniqueID(id.description.uppercased()) == id)
            #expect(UniqueID(bytes: id.bytes) == id)
        }
        #expect(UniqueID("00000000-0000-0000-0000-000000000000") == UniqueID(high: 0, low: 0))
    }

    @Test(
        "What is not a UUID is refused",
        arguments: [
            "", "017f22e2", "017f22e279b07cc398c4dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0", "{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}",
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398g", "017f22e2_79b0-7cc3-98c4-dc0c0c07398f",
            "017f22e-279b0-7cc3-98c4-dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c07398é",
        ])
    func refused(_ text: String) {
        #expect(UniqueID(text) == nil)
    }
}
