/// FNV-1a over letters, a step for each rather than for each byte, and mixed at the end, because the low bits of FNV
/// depend on little. It is part of what a vector means: it may never change.
struct WordHash {
    static let pieceSeed: UInt64 = 0x9AE1_6A3B_2F90_404F

    private var state: UInt64

    init(state: UInt64 = 0xCBF2_9CE4_8422_2325) {
        self.state = state
    }

    /// The hash of a word.
    init(of word: [UInt32]) {
        self.init()
        for letter in word { combine(letter) }
    }

    mutating func combine(_ letter: UInt32) {
        state = (state ^ UInt64(letter)) &* 0x0000_0100_0000_01B3
    }

    /// The finalizer of MurmurHash3, by which each bit of the state reaches every bit.
    var mixed: UInt64 {
        var bits = state
        bits = (bits ^ (bits >> 33)) &* 0xFF51_AFD7_ED55_8CCD
        bits = (bits ^ (bits >> 33)) &* 0xC4CE_B9FE_1A85_EC53
        return bits ^ (bits >> 33)
    }
}
