/// A vector into which features are hashed.
struct HashedFeatures {
    /// Shortest and longest piece of a word.
    private static let pieces = 3...5
    /// Stands before and after each word, so that its beginning and end are pieces of their own. No letter is that.
    private static let mark: UInt32 = 0

    private var sums: [Float]

    init(dimensions: Int) {
        precondition(dimensions.nonzeroBitCount == 1, "a power of two, so that bits of the hash are a place")
        sums = [Float](repeating: 0, count: dimensions)
    }

    /// Adds a word, and its pieces.
    mutating func add(_ word: [UInt32], weight: Float) {
        var whole = Hash()
        for letter in word { whole.combine(letter) }
        place(whole, weight)

        let length = word.count + 2
        let count = Self.pieces.reduce(0) { $0 + max(0, length - $1 + 1) }
        guard count > 0 else { return }
        // Each so light that all together have the length of one word.
        let share = weight / Float(count).squareRoot()
        for start in 0..<(length - Self.pieces.lowerBound + 1) {
            // Another seed than words, or the piece "cat" and the word "cat" would be one feature.
            var piece = Hash(state: Hash.pieceSeed)
            for offset in 0..<min(Self.pieces.upperBound, length - start) {
                let index = start + offset
                piece.combine(index == 0 || index == length - 1 ? Self.mark : word[index - 1])
                if offset + 1 >= Self.pieces.lowerBound { place(piece, share) }
            }
        }
    }

    private mutating func place(_ hash: Hash, _ weight: Float) {
        let bits = hash.mixed
        let index = Int(truncatingIfNeeded: bits) & (sums.count - 1)
        sums[index] += bits >> 63 == 0 ? weight : -weight
    }

    /// The vector at length 1; empty when nothing was added, or all of it cancelled out.
    func normalized() -> [Float] {
        let length = sums.reduce(Float.zero) { $0 + $1 * $1 }.squareRoot()
        guard length > .leastNormalMagnitude else { return [] }
        let scale = 1 / length
        return sums.map { $0 * scale }
    }
}

/// FNV-1a over letters, a step for each rather than for each byte, and mixed at the end, because the low bits of FNV
/// depend on little. It is part of what a vector means: it may never change.
private struct Hash {
    static let pieceSeed: UInt64 = 0x9AE1_6A3B_2F90_404F

    var state: UInt64 = 0xCBF2_9CE4_8422_2325

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
