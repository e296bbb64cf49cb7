/// A regular expression as a tree.
indirect enum RegexNode: Sendable {
    case empty
    /// One character of a set.
    case set(ScalarSet)
    case assertion(RegexAssertion)
    case sequence([RegexNode])
    case choice([RegexNode])
    /// Without a maximum: any number from the minimum on.
    case repetition(RegexNode, minimum: Int, maximum: Int?)
}

/// A condition on a place between two characters.
enum RegexAssertion: Sendable {
    case start
    case end
    case wordBoundary
    case noWordBoundary

    /// - Parameters: the characters around the place; nil at the start and at the end.
    func holds(before: UInt32?, after: UInt32?) -> Bool {
        switch self {
        case .start: before == nil
        case .end: after == nil
        case .wordBoundary: ScalarSet.isWord(before) != ScalarSet.isWord(after)
        case .noWordBoundary: ScalarSet.isWord(before) == ScalarSet.isWord(after)
        }
    }
}

/// A set of Unicode scalars, as sorted ranges that don't touch.
struct ScalarSet: Sendable, Equatable {
    static let last: UInt32 = 0x10FFFF

    private(set) var ranges: [ClosedRange<UInt32>]

    init(_ ranges: [ClosedRange<UInt32>]) {
        self.ranges = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let previous = self.ranges.last, range.lowerBound <= previous.upperBound + 1 {
                let upper = max(previous.upperBound, range.upperBound)
                self.ranges[self.ranges.count - 1] = previous.lowerBound...upper
            } else {
                self.ranges.append(range)
            }
        }
    }

    init(_ scalar: UInt32) { ranges = [scalar...scalar] }

    /// Everything that is not in the set.
    var complement: ScalarSet {
        var gaps: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges {
            if range.lowerBound > next { gaps.append(next...range.lowerBound - 1) }
            next = range.upperBound + 1
        }
        if next <= Self.last { gaps.append(next...Self.last) }
        return ScalarSet(gaps)
    }

    func contains(_ scalar: UInt32) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if scalar > ranges[middle].upperBound { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].lowerBound <= scalar
    }

    static let digits = ScalarSet([0x30...0x39])
    static let word = ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    static let space = ScalarSet([0x09...0x0D, 0x20...0x20])
    static let notNewline = ScalarSet(0x0A).complement

    static func isWord(_ scalar: UInt32?) -> Bool { scalar.map(word.contains) ?? false }
}
