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
        place(WordHash(of: word), weight)

        let length = word.count + 2
        let count = Self.pieces.reduce(0) { $0 + max(0, length - $1 + 1) }
        guard count > 0 else { return }
        // Each so light that all together have the length of one word.
        let share = weight / Float(count).squareRoot()
        for start in 0..<(length - Self.pieces.lowerBound + 1) {
            // Another seed than words, or the piece "cat" and the word "cat" would be one feature.
            var piece = WordHash(state: WordHash.pieceSeed)
            for offset in 0..<min(Self.pieces.upperBound, length - start) {
                let index = start + offset
                piece.combine(index == 0 || index == length - 1 ? Self.mark : word[index - 1])
                if offset + 1 >= Self.pieces.lowerBound { place(piece, share) }
            }
        }
    }

    private mutating func place(_ hash: WordHash, _ weight: Float) {
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
